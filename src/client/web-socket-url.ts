/**
 * Makes a WebSocket URL of what a constructor was given: `http` and `https` become `ws` and `wss`,
 * a fragment is dropped. (WHATWG WebSockets §3.1, "obtain a URL record")
 *
 * @throws DOMException `SyntaxError`
 */
export function webSocketUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw syntaxError(`"${text}" is not an absolute URL; give one like ws://host:port/path.`);
  }
  if (url.protocol === "http:") url.protocol = "ws:";
  if (url.protocol === "https:") url.protocol = "wss:";
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw syntaxError(`The URL's scheme is "${url.protocol}"; give ws: or wss:.`);
  }
  url.hash = "";
  return url;
}

export function syntaxError(message: string): DOMException {
  return new DOMException(message, "SyntaxError");
}
