import type { Duplex } from "node:stream";
import { isIP } from "node:net";
import { connect, type ConnectionOptions as TlsOptions, type TLSSocket } from "node:tls";

/** Starts TLS on a stream, which later emits `secureConnect`. */
export function startTls(stream: Duplex, host: string, tls: TlsOptions | undefined): TLSSocket {
  // An IP address must not be sent as the server name. (RFC 6066 §3)
  const servername = isIP(host) > 0 ? {} : { servername: host };
  // With `socket`, Node uses `host` only to check the certificate.
  return connect({ ...servername, ALPNProtocols: ["http/1.1"], ...tls, socket: stream, host });
}

/** The options that identify this client, or the expected server. */
const IDENTITY: ReadonlySet<string> = new Set([
  "cert",
  "key",
  "passphrase",
  "pfx",
  "pskCallback",
  "secureContext",
  "servername",
  "session",
]);

/** Returns the options that apply to any server. */
export function withoutIdentity(tls: TlsOptions | undefined): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  return Object.fromEntries(Object.entries(tls).filter(([name]) => !IDENTITY.has(name)));
}
