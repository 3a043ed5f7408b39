import { ClientSettings, type ClientOptions } from "./client-settings.ts";
import { WebSocketStream } from "../standard/web-socket-stream.ts";

/**
 * Opens a `WebSocketStream` with what browsers don't have; the options are those of
 * `openWebSocket`, except that the signal counts only while connecting.
 *
 * @throws DOMException `SyntaxError`; LongwireError `invalid_header`, `invalid_limit`, `invalid_proxy`,
 * `invalid_credentials`
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
