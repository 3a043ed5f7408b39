import type { Endpoint } from "../endpoint.ts";
import { HandshakeRefusal } from "../accept/handshake-refusal.ts";
import type { HttpExchange } from "./http-exchange.ts";

/**
 * Returns two endpoints for a load balancer. `GET /healthz` is answered with 200 while the process
 * responds. `GET /readyz` is answered with 200 while the server accepts new clients, otherwise with
 * 503 and the reason. Both bodies are JSON, `{"status": …}`.
 *
 * A server that is not ready keeps its connected clients. The load balancer should not send it new
 * clients, but should not close existing connections.
 *
 * @param whyNotReady returns the reason for not accepting new clients, or `undefined`
 */
export function healthEndpoints(
  whyNotReady: () => string | undefined = () => undefined,
): Endpoint[] {
  let isDraining = false;
  const alive = endpoint("/healthz", () => ({ status: "alive" }));
  const ready = endpoint("/readyz", () => {
    const why = isDraining ? "The server is shutting down" : whyNotReady();
    return why === undefined ? { status: "ready" } : { status: "unready", why };
  });
  ready.onDraining = () => (isDraining = true);
  return [alive, ready];
}

interface Health {
  status: "alive" | "ready" | "unready";
  why?: string;
}

function endpoint(path: string, look: () => Health): Endpoint {
  return {
    path,
    // Load balancers send no `Origin`, and the response holds nothing to protect.
    origins: "any",
    authorize: () => notWebSocket,
    onRequest: (exchange) => answer(exchange, look()),
  };
}

const notWebSocket = new HandshakeRefusal(404, {
  code: "not_found",
  message: "This is a health check over plain HTTP, not a WebSocket endpoint; check the URL.",
});

function answer(exchange: HttpExchange, health: Health): void {
  const fields = { "Content-Type": "application/json", "Cache-Control": "no-store" };
  exchange.answer(health.status === "unready" ? 503 : 200, fields, JSON.stringify(health));
}
