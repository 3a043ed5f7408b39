import type { OpenOptions } from "../../node/index.ts";
import type { ClientSettings } from "./client-settings.ts";

/** Returns the options of the opening handshake for a client's settings. */
export function openOptions(
  url: URL,
  protocols: readonly string[],
  settings: ClientSettings,
): OpenOptions {
  const { headers, tcp, tls, socketPath, proxy, proxyTls, maxRedirects } = settings;
  const { compression, http2, handshakeLimits, times } = settings;
  return {
    url,
    protocols,
    headers,
    tcp,
    tls,
    socketPath,
    proxy,
    proxyTls,
    http2,
    maxRedirects,
    deflate: compression?.preferences,
    limits: handshakeLimits,
    handshakeTimeoutMs: times.handshakeTimeoutMs,
  };
}
