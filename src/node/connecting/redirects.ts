import { fieldValues, HandshakeError, type ResponseHead } from "../../protocol/index.ts";
import type { Destination } from "./destination.ts";
import { withoutIdentity } from "./tls.ts";

/** Statuses with a `Location` to go to. (RFC 9110 §15.4) */
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** What must not be shown to another origin. */
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
 * Returns where a redirect leads.
 *
 * Another origin gets no credentials, and none of those that a `Location` carries are used.
 *
 * @param socketPath a Unix socket that the connection goes over, which has one server behind it
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
    const message = `${from.url.host} redirects to the scheme ${url.protocol}, which is none of ws:, wss:, http: and https:; check the URL.`;
    throw refuse("blocked_redirect", message);
  }
  url.protocol = scheme;
  if (from.url.protocol === "wss:" && scheme === "ws:") {
    const message = `${from.url.host} redirects from wss: to ${url.host} without TLS, which is not followed; have it redirect to wss:.`;
    throw refuse("redirect_downgrade", message);
  }
  if (url.origin === from.url.origin) return { ...from, url };
  if (socketPath !== undefined) {
    const message = `${from.url.host} redirects to ${url.host}, where the Unix socket ${socketPath} does not lead; connect there without socketPath.`;
    throw refuse("blocked_redirect", message);
  }
  const headers = from.headers.filter(([name]) => !CREDENTIALS.has(name.toLowerCase()));
  return { url, headers, tls: withoutIdentity(from.tls) };
}

/** The error for a redirect that is not followed, because none is or this is one too many. */
export function unfollowed(
  from: Destination,
  response: ResponseHead,
  maxRedirects: number,
): HandshakeError {
  const { status } = response;
  const { host } = from.url;
  if (maxRedirects > 0) {
    const message = `${host} redirects again after ${maxRedirects} redirects were followed; check for a loop or raise followRedirects.`;
    return new HandshakeError("too_many_redirects", message, { status });
  }
  const message = `${host} answered ${status}, a redirect, instead of 101; connect to where it leads or set followRedirects.`;
  return new HandshakeError("handshake_refused", message, { status });
}

/** (RFC 9110 §10.2.2) */
function locationOf(base: URL, { headers, status }: ResponseHead): URL {
  const [location, ...more] = fieldValues(headers, "location");
  if (location === undefined || more.length > 0 || !URL.canParse(location, base.href)) {
    const message = `${base.host} answered ${status} without one Location that is a URL; check the server.`;
    throw new HandshakeError("bad_redirect", message, { status });
  }
  const url = new URL(location, base.href);
  url.hash = "";
  url.username = "";
  url.password = "";
  return url;
}
