import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { CompressionChoice, TcpOptions } from "../../node/index.ts";
import type { ConnectionLimits, HandshakeLimits } from "../../protocol/index.ts";
import type { RequestHeaders } from "./request-headers.ts";

/** The options that a client outside a browser has besides URL and subprotocols. */
export interface ClientOptions
  extends Partial<ConnectionLimits>, Partial<HandshakeLimits>, Partial<ClientTimes> {
  /** Subprotocols in order of preference. Default none. */
  protocols?: string | readonly string[];
  /** Additional request headers, such as `Authorization`, `Cookie` or `Origin`. */
  headers?: RequestHeaders;
  /** Options of Node's `tls.connect` for `wss:`, such as `ca`, `cert`, `key`. */
  tls?: TlsOptions;
  /** Options of Node's `net.connect`, such as `lookup`, `family`, `localAddress`. */
  tcp?: TcpOptions;
  /** The path of a Unix socket to connect to. The URL still determines `Host` and path. */
  socketPath?: string;
  /**
   * The proxy to use: `http:`, `https:` (a tunnel, RFC 9110 §9.3.6), `socks5:` or `socks5h:` (RFC
   * 1928; with `socks5h:` the proxy resolves host names). Put user name and password in its URL.
   * `"environment"` reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`. Default `false`,
   * so that the environment affects only programs that ask for it.
   */
  proxy?: string | URL | false;
  /** Options of Node's `tls.connect` for an `https:` proxy; `tls` is for the server behind it. */
  proxyTls?: TlsOptions;
  /**
   * The maximum number of redirects to follow; `true` means 5. Default `false`: none, as in
   * browsers. Credentials are not sent to other origins, and a redirect from `wss:` to `ws:` is not
   * followed.
   */
  followRedirects?: boolean | number;
  /**
   * Whether WebSockets to the same `wss:` host share one HTTP/2 connection, if the server supports
   * it (RFC 8441). If it does not, each WebSocket has its own connection. Default false.
   */
  http2?: boolean;
  /**
   * How messages are compressed if the server agrees to permessage-deflate. `false` turns
   * compression off; pass a `Compression` to share one. Default true: messages of at least 1 KiB
   * are compressed, with no memory held per connection.
   */
  compression?: CompressionChoice;
  /**
   * Whether to use undocumented parts of Node, if they exist in the expected form. They save
   * processor time and memory. Default true, unless the environment variable
   * `LONGWIRE_PUBLIC_API_ONLY` is `1`.
   */
  nodeInternals?: boolean;
  /**
   * Aborts the connection: immediately while connecting, with a closing handshake (1000)
   * afterwards.
   */
  signal?: AbortSignal;
}

export interface ClientTimes {
  /**
   * The time limit for opening, from the name lookup to the server's response, including proxies
   * and redirects, in milliseconds. Waiting for other attempts at the same host does not count.
   * Default 30,000.
   */
  handshakeTimeoutMs: number;
  /** The time limit for the server to finish closing, in milliseconds. Default 10,000. */
  closeTimeoutMs: number;
}
