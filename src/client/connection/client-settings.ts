import type { ConnectionOptions as TlsOptions } from "node:tls";
import { LongwireError, resolveLimits } from "../../base/index.ts";
import {
  compressionOf,
  proxyChoice,
  type DeflateCompression,
  type CompressionChoice,
  type ProxyChoice,
  type TcpOptions,
} from "../../node/index.ts";
import {
  defaultConnectionLimits,
  defaultHandshakeLimits,
  type ConnectionLimits,
  type HandshakeLimits,
  type HeaderFields,
} from "../../protocol/index.ts";
import { requestHeaders, type RequestHeaders } from "./request-headers.ts";

/** What a client outside a browser can set beyond URL and subprotocols. */
export interface ClientOptions
  extends Partial<ConnectionLimits>, Partial<HandshakeLimits>, Partial<ClientTimes> {
  /** Subprotocols in the order of preference. Default none. */
  protocols?: string | readonly string[];
  /** Further request headers, such as `Authorization`, `Cookie` or `Origin`. */
  headers?: RequestHeaders;
  /** Options of Node's `tls.connect` for `wss:`, such as `ca`, `cert`, `key`. */
  tls?: TlsOptions;
  /** Options of Node's `net.connect`, such as `lookup`, `family`, `localAddress`. */
  tcp?: TcpOptions;
  /** A Unix socket to connect to; the URL still gives `Host` and path. */
  socketPath?: string;
  /**
   * The proxy to go through: `http:`, `https:` (a tunnel, RFC 9110 §9.3.6), `socks5:` or `socks5h:`
   * (RFC 1928; with `socks5h:` the proxy looks names up). User name and password stand in its URL.
   * `"environment"` takes what `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
   * Default `false`: what some environment says changes no program that did not ask for it.
   */
  proxy?: string | URL | false;
  /** Options of Node's `tls.connect` for an `https:` proxy; `tls` is for the server behind it. */
  proxyTls?: TlsOptions;
  /**
   * How many redirects are followed; `true` means 5. Default `false`, none, as in browsers.
   * Credentials go to no other origin, and nothing goes from `wss:` to `ws:`.
   */
  followRedirects?: boolean | number;
  /**
   * Whether WebSockets to one `wss:` host share one HTTP/2 connection, where the server has that
   * (RFC 8441); where it has not, each has its own as without. Default false.
   */
  http2?: boolean;
  /**
   * How messages are compressed where the server agrees to permessage-deflate; false offers none,
   * a `Compression` shares one. Default true: messages of 1 KiB and more, with no memory per connection.
   */
  compression?: CompressionChoice;
  /**
   * Whether to use parts of Node that are not documented, where they are found as expected; it
   * saves processor time and memory. Default true, unless the environment has
   * `LONGWIRE_PUBLIC_API_ONLY=1`.
   */
  nodeInternals?: boolean;
  /** Aborting gives the connection up: at once while connecting, with 1000 afterwards. */
  signal?: AbortSignal;
}

export interface ClientTimes {
  /**
   * From the lookup of the name to the server's answer, proxies and redirects included, in
   * milliseconds; waiting for other attempts at the same host does not count. Default 30,000.
   */
  handshakeTimeoutMs: number;
  /** How long the server may take to finish closing, in milliseconds. Default 10,000. */
  closeTimeoutMs: number;
}

const defaultClientTimes: ClientTimes = { handshakeTimeoutMs: 30_000, closeTimeoutMs: 10_000 };

const DEFAULT_MAX_REDIRECTS = 5;

/** Options, checked once, with their defaults. */
export class ClientSettings {
  readonly limits: ConnectionLimits;
  readonly handshakeLimits: HandshakeLimits;
  readonly times: ClientTimes;
  readonly headers: HeaderFields;
  readonly tls: TlsOptions | undefined;
  readonly tcp: TcpOptions | undefined;
  readonly proxy: ProxyChoice;
  readonly proxyTls: TlsOptions | undefined;
  readonly maxRedirects: number;
  readonly socketPath: string | undefined;
  readonly compression: DeflateCompression | undefined;
  readonly http2: boolean;
  readonly nodeInternals: boolean;
  readonly signal: AbortSignal | undefined;

  /**
   * @throws LongwireError `invalid_limit`, `invalid_header`, `invalid_proxy`, `invalid_credentials`
   */
  constructor(options: ClientOptions = {}) {
    this.limits = resolveLimits(defaultConnectionLimits, options);
    this.handshakeLimits = resolveLimits(defaultHandshakeLimits, options);
    this.times = resolveLimits(defaultClientTimes, options);
    this.headers = requestHeaders(options.headers);
    this.tls = options.tls;
    this.tcp = options.tcp;
    this.proxy = proxyChoice(options.proxy);
    this.proxyTls = options.proxyTls;
    this.maxRedirects = maxRedirects(options.followRedirects);
    this.socketPath = options.socketPath;
    this.http2 = options.http2 === true;
    this.nodeInternals = options.nodeInternals ?? true;
    this.compression = clientCompression(options.compression, this.nodeInternals);
    this.signal = options.signal;
    checkOneWay(this);
  }
}

/** Shared by all clients that set nothing of it, as its contexts are. */
const defaultCompression = compressionOf();

function clientCompression(
  choice: CompressionChoice = true,
  nodeInternals: boolean,
): DeflateCompression | undefined {
  const isDefault = choice === true && nodeInternals;
  return isDefault ? defaultCompression : compressionOf(choice, nodeInternals);
}

function maxRedirects(given: boolean | number = false): number {
  if (typeof given === "boolean") return given ? DEFAULT_MAX_REDIRECTS : 0;
  return resolveLimits({ followRedirects: 0 }, { followRedirects: given }).followRedirects;
}

function checkOneWay({ socketPath, proxy }: ClientSettings): void {
  if (socketPath === undefined || proxy === undefined || proxy === "environment") return;
  const message = `The connection cannot go over a Unix socket and the proxy ${proxy.name}; give socketPath or proxy.`;
  throw new LongwireError("invalid_proxy", message);
}
