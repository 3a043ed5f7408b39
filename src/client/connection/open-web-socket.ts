import type { ClientOptions } from "./client-options.ts";
import { ClientSettings } from "./client-settings.ts";
import { WebSocket } from "../standard/web-socket.ts";

/**
 * Opens a `WebSocket` with options that browsers do not offer: headers, TLS options, a Unix socket,
 * proxies, redirects, limits, an `AbortSignal`.
 *
 * Like the constructor, it returns immediately, so listeners can be added before the first event.
 *
 * @throws DOMException `SyntaxError`; LongwireError `invalid_option`, `invalid_header`,
 *   `invalid_limit`, `invalid_proxy`, `invalid_credentials`
 */
export function openWebSocket(url: string | URL, options: ClientOptions = {}): WebSocket {
  return new WebSocket(url, options.protocols ?? [], new ClientSettings(options));
}
