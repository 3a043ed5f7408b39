import type { Duplex } from "node:stream";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { LongwireError } from "../../base/index.ts";
import type {
  Agreement,
  DeflatePreferences,
  HandshakeLimits,
  HeaderFields,
} from "../../protocol/index.ts";
import type { ProxyChoice } from "./proxy/proxy.ts";
import type { TcpOptions } from "./dial/tcp.ts";

export interface OpenOptions {
  /** `ws:` or `wss:`, without a fragment; credentials in it become `Authorization`. */
  url: URL;
  protocols: readonly string[];
  /** Additional headers, checked by the caller. */
  headers: HeaderFields;
  tcp: TcpOptions | undefined;
  tls: TlsOptions | undefined;
  /** The path of a Unix socket to connect to, instead of the URL's host. */
  socketPath: string | undefined;
  proxy: ProxyChoice;
  /** Options for an `https:` proxy; `tls` is for the server behind it. */
  proxyTls: TlsOptions | undefined;
  /** Whether to share one HTTP/2 connection if the server supports it; for `wss:` only. */
  http2: boolean;
  /** The maximum number of redirects to follow. */
  maxRedirects: number;
  /** The offer of permessage-deflate; `undefined` for no compression. */
  deflate: DeflatePreferences | undefined;
  limits: HandshakeLimits;
  /** Counted from the start of the attempt, without the time that it waits for other attempts. */
  handshakeTimeoutMs: number;
}

/** Receives the outcome of an attempt: exactly one of the two is called, once. */
export interface OpenHandler {
  /**
   * @param stream paused, with an error listener that ignores errors
   * @param head the bytes after the server's response
   */
  onOpened(stream: Duplex, agreement: Agreement, head: Uint8Array): void;
  onFailed(error: LongwireError): void;
}

/** An attempt that can be abandoned; afterwards its handler is not called. */
export interface Attempt {
  abandon(): void;
}
