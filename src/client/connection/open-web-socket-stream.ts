import type { ClientOptions } from "./client-options.ts";
import { ClientSettings } from "./client-settings.ts";
import { WebSocketStream } from "../standard/stream/web-socket-stream.ts";

/**
 * Opens a `WebSocketStream` with options that browsers do not offer. They are the options of
 * `openWebSocket`, except that the signal has an effect only while connecting.
 *
 * @throws DOMException `SyntaxError`; LongwireError `invalid_option`, `invalid_header`,
 *   `invalid_limit`, `invalid_proxy`, `invalid_credentials`
 */
export function openWebSocketStream(
  url: string | URL,
  options: ClientOptions = {},
): WebSocketStream {
  const { protocols = [], signal } = options;
  const list = typeof protocols === "string" ? [protocols] : protocols;
  const given = { protocols: list, ...(signal && { signal }) };
  return new WebSocketStream(url, given, new ClientSettings(options));
}
