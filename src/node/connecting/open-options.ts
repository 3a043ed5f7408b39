import type { Duplex } from "node:stream";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { LongwireError } from "../../base/index.ts";
import type {
  Agreement,
  DeflatePreferences,
  HandshakeLimits,
  HeaderFields,
} from "../../protocol/index.ts";
import type { ProxyChoice } from "./proxy.ts";
import type { TcpOptions } from "./tcp.ts";

export interface OpenOptions {
  /** `ws:` or `wss:`, without a fragment; its user info becomes `Authorization`. */
  url: URL;
  protocols: readonly string[];
  /** Further header lines, checked by the caller. */
  headers: HeaderFields;
  tcp: TcpOptions | undefined;
  tls: TlsOptions | undefined;
  /** A Unix socket to connect to instead of the URL's host. */
  socketPath: string | undefined;
  proxy: ProxyChoice;
  /** For an `https:` proxy; `tls` is for the server behind it. */
  proxyTls: TlsOptions | undefined;
  /** Whether to share one HTTP/2 connection where the server has that; for `wss:` only. */
  http2: boolean;
  /** How many redirects are followed. */
  maxRedirects: number;
  /** What to offer of permessage-deflate; `undefined` for no compression. */
  deflate: DeflatePreferences | undefined;
  limits: HandshakeLimits;
  /** From the attempt's own start, without what it waits for other attempts. */
  handshakeTimeoutMs: number;
}

/** What an attempt to open comes to; exactly one of the two is called, once. */
export interface OpenHandler {
  /**
   * @param stream paused, with a listener for errors that ignores them
   * @param head bytes that came behind the server's answer
   */
  onOpened(stream: Duplex, agreement: Agreement, head: Uint8Array): void;
  onFailed(error: LongwireError): void;
}

/** An attempt that can be given up; its handler hears nothing more then. */
export interface Attempt {
  abandon(): void;
}
