import { LongwireError } from "../../base/index.ts";
import { HandshakeError } from "../../protocol/index.ts";
import { StreamEnded } from "./dial/await-stream.ts";
import type { Proxy } from "./proxy/proxy.ts";
import { ProxyError } from "./proxy/proxy-error.ts";

/** The steps of an attempt; each way to fail has its own message. */
export type Step =
  | { kind: "resolving the name"; where: string }
  | { kind: "connecting"; where: string }
  | { kind: "connecting to the proxy"; proxy: Proxy }
  | { kind: "requesting a tunnel from the proxy"; proxy: Proxy }
  | { kind: "negotiating TLS" }
  | { kind: "performing the handshake" };

/** Returns an error for the failure of a step; errors of Longwire are returned unchanged. */
export function failureOf(step: Step, url: URL, cause: unknown): LongwireError {
  if (cause instanceof LongwireError) return cause;
  const reason = reasonOf(cause);
  const facts = { cause };
  switch (step.kind) {
    case "resolving the name":
    case "connecting": {
      const message = `${step.where} cannot be reached (${reason}); check the address, and that a server is listening there.`;
      return new LongwireError("unreachable", message, facts);
    }
    case "connecting to the proxy": {
      const { name } = step.proxy;
      const message = `The proxy ${name} cannot be reached (${reason}); check its URL, and that it is running.`;
      return new ProxyError("proxy_unreachable", message, { proxy: name, cause });
    }
    case "requesting a tunnel from the proxy": {
      const { name } = step.proxy;
      const message = `The proxy ${name} closed the connection before ${url.host} was reached (${reason}); check that it is a ${step.proxy.kind} proxy.`;
      return new ProxyError("proxy_cut", message, { proxy: name, cause });
    }
    case "negotiating TLS": {
      const message = `TLS with ${url.host} failed (${reason}); ${tlsAdvice(cause, url)}.`;
      return new LongwireError("tls_failed", message, facts);
    }
    case "performing the handshake": {
      const how = cause instanceof StreamEnded ? "closed" : `lost (${reason})`;
      const message = `${url.host}: the connection was ${how} before the handshake completed; check that the server supports WebSocket.`;
      return new HandshakeError("handshake_cut", message, facts);
    }
  }
}

export function timedOut(step: Step, url: URL, handshakeTimeoutMs: number): LongwireError {
  const proxy = "proxy" in step ? ` ${step.proxy.name}` : "";
  const message = `${url.host} did not finish the handshake within ${handshakeTimeoutMs} ms (while ${step.kind}${proxy}); check that the server supports WebSocket, or raise handshakeTimeoutMs.`;
  return new HandshakeError("handshake_timeout", message);
}

/** Node combines the errors of several addresses into one without a message of its own. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { code, message } = cause as NodeJS.ErrnoException;
  // OpenSSL's text contains line breaks.
  return message.replaceAll(/\s+/g, " ").trim() || (code ?? "unknown reason");
}

/** Returns advice for an error code of Node or OpenSSL. */
function tlsAdvice(cause: unknown, url: URL): string {
  const code = String((cause as { code?: unknown } | null)?.code);
  switch (code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "if you trust the issuer of its certificate, pass the issuer's certificate as tls.ca (--ca)";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "connect to a name that is in the certificate, or set tls.servername to one";
    case "CERT_HAS_EXPIRED":
      return "renew the server's certificate, or correct this machine's clock";
    case "CERT_NOT_YET_VALID":
      return "correct this machine's clock, or the server's certificate";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return `the server does not use TLS on this port; use ${url.protocol.replace("s:", ":")} or its TLS port`;
    default:
      return code.includes("ALERT")
        ? "the server refused; check tls.cert and tls.key, and which TLS versions it supports"
        : "check that the server uses TLS on this port";
  }
}
