import type { ConnectionOptions as TlsOptions } from "node:tls";
import { LongwireError, resolveLimits } from "../base/index.ts";
import {
  defaultConnectionLimits,
  defaultHandshakeLimits,
  isFieldValue,
  isToken,
  type ConnectionLimits,
  type HandshakeLimits,
  type HeaderFields,
} from "../protocol/index.ts";

/** What a client outside a browser can set beyond URL and subprotocols. */
export interface ClientOptions
  extends Partial<ConnectionLimits>, Partial<HandshakeLimits>, Partial<ClientTimes> {
  /** Subprotocols in the order of preference. Default none. */
  protocols?: string | readonly string[];
  /** Further request headers, such as `Authorization`, `Cookie` or `Origin`. */
  headers?: Record<string, string>;
  /** Options of Node's `tls.connect` for `wss:`, such as `ca`, `cert`, `key`. */
  tls?: TlsOptions;
  /** A Unix socket to connect to; the URL still gives `Host` and path. */
  socketPath?: string;
  /** Aborting gives the connection up: at once while connecting, with 1000 afterwards. */
  signal?: AbortSignal;
}

export interface ClientTimes {
  /** From connecting to the server's answer, in milliseconds. Default 30,000. */
  handshakeTimeoutMs: number;
  /** How long the server may take to finish closing, in milliseconds. Default 10,000. */
  closeTimeoutMs: number;
}

const defaultClientTimes: ClientTimes = { handshakeTimeoutMs: 30_000, closeTimeoutMs: 10_000 };

/** Headers that the handshake itself writes. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "host",
  "upgrade",
  "connection",
  "content-length",
  "transfer-encoding",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
]);

/** Options, checked once, with their defaults. */
export class ClientSettings {
  readonly limits: ConnectionLimits;
  readonly handshakeLimits: HandshakeLimits;
  readonly times: ClientTimes;
  readonly headers: HeaderFields;
  readonly tls: TlsOptions | undefined;
  readonly socketPath: string | undefined;
  readonly signal: AbortSignal | undefined;

  /** @throws LongwireError `invalid_limit`, `invalid_header` */
  constructor(options: ClientOptions = {}) {
    this.limits = resolveLimits(defaultConnectionLimits, options);
    this.handshakeLimits = resolveLimits(defaultHandshakeLimits, options);
    this.times = resolveLimits(defaultClientTimes, options);
    this.headers = Object.entries(options.headers ?? {}).map(checkedHeader);
    this.tls = options.tls;
    this.socketPath = options.socketPath;
    this.signal = options.signal;
  }
}

function checkedHeader([name, value]: [string, unknown]): [string, string] {
  const text = String(value);
  if (OWN_HEADERS.has(name.toLowerCase())) {
    const message = `The header ${name} is written by the handshake itself; leave it out.`;
    throw new LongwireError("invalid_header", message);
  }
  if (!isToken(name) || !isFieldValue(text)) {
    const message = `The header ${JSON.stringify(name)} cannot be sent as it is; give a token as name and a value without control characters.`;
    throw new LongwireError("invalid_header", message);
  }
  return [name, text];
}
