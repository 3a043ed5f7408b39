const SCHEMES: Readonly<Record<string, string>> = {
  "http:": "ws:",
  "https:": "wss:",
  "ws:": "ws:",
  "wss:": "wss:",
  "ws+unix:": "ws+unix:",
};

/** The server that a client connects to. */
export interface Destination {
  url: URL;
  isSecure: boolean;
  /** The Unix socket of a `ws+unix:` URL. */
  socketPath: string | undefined;
  /** The host without brackets. */
  host: string;
  port: string | number;
  /** The path with its query. */
  path: string;
}

/** @throws SyntaxError if the address is not a valid WebSocket URL */
export function destinationOf(address: string | URL): Destination {
  const url = schemeReplaced(urlOf(address));
  const isSecure = url.protocol === "wss:";
  const isUnix = url.protocol === "ws+unix:";
  if (isUnix && url.pathname === "") throw new SyntaxError("The URL's pathname is empty");
  if (url.hash !== "") throw new SyntaxError("The URL contains a fragment identifier");
  const target = url.pathname + url.search;
  const colon = isUnix ? target.indexOf(":") : -1;
  const { hostname } = url;
  return {
    url,
    isSecure,
    socketPath: isUnix ? target.slice(0, colon < 0 ? undefined : colon) : undefined,
    host: hostname.startsWith("[") ? hostname.slice(1, -1) : hostname,
    port: url.port || (isSecure ? 443 : 80),
    path: isUnix ? (colon < 0 ? "" : target.slice(colon + 1)) : target,
  };
}

/** Whether two destinations name the same server. */
export function isSameHost(one: Destination, other: Destination): boolean {
  if (one.socketPath !== undefined || other.socketPath !== undefined) {
    return one.socketPath === other.socketPath;
  }
  return one.url.host === other.url.host;
}

function urlOf(address: string | URL): URL {
  if (address instanceof URL) return address;
  try {
    return new URL(address);
  } catch {
    throw new SyntaxError(`Invalid URL: ${address}`);
  }
}

function schemeReplaced(url: URL): URL {
  const scheme = SCHEMES[url.protocol];
  if (scheme === url.protocol) return url;
  if (scheme === undefined) {
    throw new SyntaxError(
      'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"',
    );
  }
  const replaced = new URL(url);
  replaced.protocol = scheme;
  return replaced;
}
