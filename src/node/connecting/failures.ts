import { LongwireError } from "../../base/index.ts";
import { HandshakeError } from "../../protocol/index.ts";
import { StreamEnded } from "./await-stream.ts";
import type { Proxy } from "./proxy.ts";
import { ProxyError } from "./proxy-error.ts";

/** What an attempt does; each way to fail has its own text. */
export type Step =
  | { kind: "looking up"; where: string }
  | { kind: "connecting"; where: string }
  | { kind: "connecting to the proxy"; proxy: Proxy }
  | { kind: "asking the proxy"; proxy: Proxy }
  | { kind: "agreeing on TLS" }
  | { kind: "shaking hands" };

/** Makes an error of what a step failed with, unless it is one of ours. */
export function failureOf(step: Step, url: URL, cause: unknown): LongwireError {
  if (cause instanceof LongwireError) return cause;
  const reason = reasonOf(cause);
  const facts = { cause };
  switch (step.kind) {
    case "looking up":
    case "connecting": {
      const message = `${step.where} cannot be reached (${reason}); check the address and that a server listens there.`;
      return new LongwireError("unreachable", message, facts);
    }
    case "connecting to the proxy": {
      const { name } = step.proxy;
      const message = `The proxy ${name} cannot be reached (${reason}); check its URL and that it runs.`;
      return new ProxyError("proxy_unreachable", message, { proxy: name, cause });
    }
    case "asking the proxy": {
      const { name } = step.proxy;
      const message = `The proxy ${name} broke off before ${url.host} was reached (${reason}); check that it is a ${step.proxy.kind} proxy.`;
      return new ProxyError("proxy_cut", message, { proxy: name, cause });
    }
    case "agreeing on TLS": {
      const message = `TLS with ${url.host} failed (${reason}); check its certificate, or trust it with tls.ca.`;
      return new LongwireError("tls_failed", message, facts);
    }
    case "shaking hands": {
      const how = cause instanceof StreamEnded ? "closed" : `broke (${reason})`;
      const message = `${url.host}: the connection was ${how} before the handshake was answered; check that it speaks WebSocket.`;
      return new HandshakeError("handshake_cut", message, facts);
    }
  }
}

export function timedOut(step: Step, url: URL, handshakeTimeoutMs: number): LongwireError {
  const proxy = "proxy" in step ? ` ${step.proxy.name}` : "";
  const message = `${url.host} did not finish the handshake within ${handshakeTimeoutMs} ms (while ${step.kind}${proxy}); check that it speaks WebSocket or raise handshakeTimeoutMs.`;
  return new HandshakeError("handshake_timeout", message);
}

/** Node gathers the errors of several addresses in one without a text of its own. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ((cause as NodeJS.ErrnoException).code ?? "unknown reason");
}
