import type { OriginPolicy } from "./origin-policy.ts";

/**
 * Response headers that let a page of another origin read the response. (Fetch standard, CORS
 * protocol)
 */
export type CrossOriginFields = Readonly<Record<string, string>>;

/** How long a browser may cache the result of a preflight, in seconds; Chromium's own maximum. */
const PREFLIGHT_AGE_S = 7_200;

/**
 * Request headers that are not CORS-safelisted: credentials, JSON, conditions, the position in a
 * stream.
 */
const REQUEST_FIELDS = "Authorization, Content-Type, If-None-Match, Last-Event-ID";

/** Response headers that pages may read, besides the safelisted ones. */
const ANSWER_FIELDS = "ETag, Retry-After";

/**
 * Returns the CORS headers for a request that the policy allows.
 *
 * A page whose origin is listed may send its visitor's cookies. If all origins are allowed, cookies
 * are not: any page on the web could read everything that the visitor may read.
 */
export function crossOriginFields(
  policy: OriginPolicy,
  origin: string | undefined,
): CrossOriginFields {
  if (policy === "any") {
    return {
      "Access-Control-Allow-Origin": "*",
      "Access-Control-Expose-Headers": ANSWER_FIELDS,
    };
  }
  // Needed without an `Origin`, too: otherwise a cache could serve this response to a page of
  // another origin.
  if (origin === undefined) return VARIES;
  return {
    ...VARIES,
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": ANSWER_FIELDS,
  };
}

/** Tells caches that the response depends on the origin of the page. */
export const VARIES: CrossOriginFields = { Vary: "Origin" };

/**
 * Whether the request is a preflight: the browser asks if a page may send a request that is not
 * simple.
 */
export function isPreflight(method: string, header: (name: string) => string | undefined): boolean {
  return (
    method === "OPTIONS" &&
    header("origin") !== undefined &&
    header("access-control-request-method") !== undefined
  );
}

export const PREFLIGHT_FIELDS: CrossOriginFields = {
  "Access-Control-Allow-Methods": "GET, HEAD, POST",
  "Access-Control-Allow-Headers": REQUEST_FIELDS,
  "Access-Control-Max-Age": String(PREFLIGHT_AGE_S),
};
