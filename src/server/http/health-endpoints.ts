import type { Endpoint } from "../endpoint.ts";
import { HandshakeRefusal } from "../accept/handshake-refusal.ts";
import type { HttpExchange } from "./http-exchange.ts";

/**
 * Returns endpoints that tell a load balancer how this server is: `GET /healthz` is answered with
 * 200 as long as the process answers at all, `GET /readyz` with 200 while it can take new clients,
 * else with 503 and why not. Both answer with JSON, `{"status": …}`.
 *
 * A server that is not ready keeps the clients that it has: a load balancer should send it no new
 * ones, and cut none.
 *
 * @param whyNotReady says why there should be no new clients now, or returns `undefined`
 */
export function healthEndpoints(
  whyNotReady: () => string | undefined = () => undefined,
): Endpoint[] {
  let isDraining = false;
  const alive = endpoint("/healthz", () => ({ status: "alive" }));
  const ready = endpoint("/readyz", () => {
    const why = isDraining ? "The server is going away" : whyNotReady();
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
    // Load balancers send no Origin, and there is nothing to protect.
    origins: "any",
    authorize: () => notWebSocket,
    onRequest: (exchange) => answer(exchange, look()),
  };
}

const notWebSocket = new HandshakeRefusal(404, {
  code: "not_found",
  message: "Here a server says how it is, over plain HTTP; check the URL.",
});

function answer(exchange: HttpExchange, health: Health): void {
  const fields = { "Content-Type": "application/json", "Cache-Control": "no-store" };
  exchange.answer(health.status === "unready" ? 503 : 200, fields, JSON.stringify(health));
}
