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
      const message = `TLS with ${url.host} failed (${reason}); ${tlsAdvice(cause, url)}.`;
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
  const { code, message } = cause as NodeJS.ErrnoException;
  // OpenSSL's text has its own line for itself.
  return message.replaceAll(/\s+/g, " ").trim() || (code ?? "unknown reason");
}

/** What to do, by Node's and OpenSSL's codes. */
function tlsAdvice(cause: unknown, url: URL): string {
  const code = String((cause as { code?: unknown } | null)?.code);
  switch (code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "if you trust who signed its certificate, give that certificate as tls.ca (--ca)";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "connect by a name that the certificate has, or set tls.servername to one";
    case "CERT_HAS_EXPIRED":
      return "renew the server's certificate, or correct this machine's clock";
    case "CERT_NOT_YET_VALID":
      return "correct this machine's clock, or the server's certificate";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return `the server does not speak TLS on this port; use ${url.protocol.replace("s:", ":")} or its TLS port`;
    default:
      return code.includes("ALERT")
        ? "the server refused; check tls.cert and tls.key, and which versions of TLS it takes"
        : "check that the server speaks TLS there";
  }
}
