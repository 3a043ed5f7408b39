/**
 * Returns the WebSocket URL for a constructor's argument: `http` and `https` become `ws` and `wss`.
 * (WHATWG WebSockets §3.1, "get a URL record")
 *
 * @throws DOMException `SyntaxError`
 */
export function webSocketUrl(text: string): URL {
  // Steps 1 and 2.
  const url = parsed(text);
  // Step 3.
  if (url.protocol === "http:") url.protocol = "ws:";
  // Step 4.
  else if (url.protocol === "https:") url.protocol = "wss:";
  // Step 5.
  if (url.protocol !== "ws:" && url.protocol !== "wss:") {
    throw syntaxError(`The URL's scheme is "${url.protocol}"; use ws: or wss:.`);
  }
  // Step 6. Not by `hash`, which is also empty for an empty fragment.
  if (url.href.includes("#")) {
    const fragment = url.hash.slice(0, 50);
    throw syntaxError(
      `The URL has the fragment "${fragment}"; WebSocket URLs cannot have a fragment, leave it out.`,
    );
  }
  return url;
}

export function syntaxError(message: string): DOMException {
  return new DOMException(message, "SyntaxError");
}

/** Node has no page that a URL could be relative to, unless a DOM emulation defines `location`. */
function parsed(text: string): URL {
  const { location } = globalThis as { location?: { href?: string } };
  try {
    return new URL(text, location?.href);
  } catch {
    // The part before an @ may contain a password.
    const shown = text.slice(text.lastIndexOf("@") + 1);
    throw syntaxError(`"${shown}" is not an absolute URL; use a form such as ws://host:port/path.`);
  }
}
