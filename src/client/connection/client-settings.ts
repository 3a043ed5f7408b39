import type { ConnectionOptions as TlsOptions } from "node:tls";
import { LongwireError, resolveLimits } from "../../base/index.ts";
import {
  compressionOf,
  proxyChoice,
  type CompressionChoice,
  type DeflateCompression,
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
import { checkOptions } from "./check-options.ts";
import type { ClientOptions, ClientTimes } from "./client-options.ts";
import { requestHeaders } from "./request-headers.ts";

const defaultClientTimes: ClientTimes = { handshakeTimeoutMs: 30_000, closeTimeoutMs: 10_000 };

const DEFAULT_MAX_REDIRECTS = 5;

/** Client options, checked and completed with defaults. */
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
   * @throws LongwireError `invalid_option`, `invalid_limit`, `invalid_header`, `invalid_proxy`, `invalid_credentials`
   */
  constructor(options: ClientOptions = {}) {
    checkOptions(options);
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

/** Shared by all clients with default compression, because its contexts are shared, too. */
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
  const message = `A connection cannot use both a Unix socket and the proxy ${proxy.name}; set either socketPath or proxy.`;
  throw new LongwireError("invalid_proxy", message);
}
