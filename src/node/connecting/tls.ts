import type { Duplex } from "node:stream";
import { isIP } from "node:net";
import { connect, type ConnectionOptions as TlsOptions, type TLSSocket } from "node:tls";

/** Starts TLS on a stream; `secureConnect` follows. */
export function startTls(stream: Duplex, host: string, tls: TlsOptions | undefined): TLSSocket {
  // An address is not a name that a server could be asked for. (RFC 6066 §3)
  const servername = isIP(host) > 0 ? {} : { servername: host };
  // With `socket`, Node takes `host` only as the name to check the certificate for.
  return connect({ ...servername, ALPNProtocols: ["http/1.1"], ...tls, socket: stream, host });
}

/** What says who we are or whom to expect. */
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

/** The options that are good for any server. */
export function withoutIdentity(tls: TlsOptions | undefined): TlsOptions | undefined {
  if (tls === undefined) return undefined;
  return Object.fromEntries(Object.entries(tls).filter(([name]) => !IDENTITY.has(name)));
}
