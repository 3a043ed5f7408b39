import { fieldValues, HandshakeError, type ResponseHead } from "../../../protocol/index.ts";
import type { Destination } from "./destination.ts";
import { withoutIdentity } from "../dial/tls.ts";

/** Statuses that redirect to a `Location`. (RFC 9110 §15.4) */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Headers that must not be sent to another origin. */
const CREDENTIALS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
]);

const WEB_SOCKET_SCHEMES: Readonly<Record<string, string>> = {
  "ws:": "ws:",
  "wss:": "wss:",
  "http:": "ws:",
  "https:": "wss:",
};

export function isRedirect({ status }: ResponseHead): boolean {
  return REDIRECTS.has(status);
}

/**
 * Returns the destination of a redirect.
 *
 * Credentials are not sent to another origin, and credentials in a `Location` are ignored.
 *
 * @param socketPath the Unix socket in use, which has only one server behind it
 * @throws HandshakeError `bad_redirect`, `blocked_redirect`, `redirect_downgrade`
 */
export function redirected(
  from: Destination,
  response: ResponseHead,
  socketPath?: string,
): Destination {
  const url = locationOf(from.url, response);
  const refuse = (code: string, message: string): HandshakeError =>
    new HandshakeError(code, message, { status: response.status });
  const scheme = WEB_SOCKET_SCHEMES[url.protocol];
  if (scheme === undefined) {
    const message = `${from.url.host} redirects to a URL with the scheme ${url.protocol}; only ws:, wss:, http: and https: are followed. Check the URL.`;
    throw refuse("blocked_redirect", message);
  }
  url.protocol = scheme;
  if (from.url.protocol === "wss:" && scheme === "ws:") {
    const message = `${from.url.host} redirects from wss: to ${url.host} without TLS, which is not followed; change the redirect to wss:.`;
    throw refuse("redirect_downgrade", message);
  }
  if (url.origin === from.url.origin) return { ...from, url };
  if (socketPath !== undefined) {
    const message = `${from.url.host} redirects to ${url.host}, which the Unix socket ${socketPath} does not reach; connect there without socketPath.`;
    throw refuse("blocked_redirect", message);
  }
  const headers = from.headers.filter(([name]) => !CREDENTIALS.has(name.toLowerCase()));
  return { url, headers, tls: withoutIdentity(from.tls) };
}

/** Returns the error for a redirect that is not followed, because redirects are off or too many. */
export function unfollowed(
  from: Destination,
  response: ResponseHead,
  maxRedirects: number,
): HandshakeError {
  const { status } = response;
  const { host } = from.url;
  if (maxRedirects > 0) {
    const message = `${host} redirects again after ${maxRedirects} redirects; check for a loop, or raise followRedirects.`;
    return new HandshakeError("too_many_redirects", message, { status });
  }
  const message = `${host} responded with ${status}, a redirect, instead of 101; connect to its target, or set followRedirects.`;
  return new HandshakeError("handshake_refused", message, { status });
}

/** (RFC 9110 §10.2.2) */
function locationOf(base: URL, { headers, status }: ResponseHead): URL {
  const [location, ...more] = fieldValues(headers, "location");
  if (location === undefined || more.length > 0 || !URL.canParse(location, base.href)) {
    const message = `${base.host} responded with ${status} without a single valid Location; check the server.`;
    throw new HandshakeError("bad_redirect", message, { status });
  }
  const url = new URL(location, base.href);
  url.hash = "";
  url.username = "";
  url.password = "";
  return url;
}
