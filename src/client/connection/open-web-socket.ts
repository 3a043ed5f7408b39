import { ClientSettings, type ClientOptions } from "./client-settings.ts";
import { WebSocket } from "../standard/web-socket.ts";

/**
 * Opens a `WebSocket` with what browsers don't have: headers, TLS options, a Unix socket, proxies,
 * redirects, limits, an `AbortSignal`.
 *
 * It returns at once, like the constructor, so that no event can come before its listener.
 *
 * @throws DOMException `SyntaxError`; LongwireError `invalid_header`, `invalid_limit`, `invalid_proxy`,
 * `invalid_credentials`
 */
export function openWebSocket(url: string | URL, options: ClientOptions = {}): WebSocket {
  return new WebSocket(url, options.protocols ?? [], new ClientSettings(options));
}
