import type { OriginPolicy } from "./origin-policy.ts";

/** What an answer says to the browser of a page that may read it. (Fetch standard, CORS protocol) */
export type CrossOriginFields = Readonly<Record<string, string>>;

/** For how long a browser need not ask again whether it may, in seconds; Chromium's own maximum. */
const PREFLIGHT_AGE_S = 7_200;

/** What pages send that are not simple: credentials, JSON, conditions, where a stream goes on. */
const REQUEST_FIELDS = "Authorization, Content-Type, If-None-Match, Last-Event-ID";

/** What pages may read of an answer beside its body. */
const ANSWER_FIELDS = "ETag, Retry-After";

/**
 * Fields for an answer to a request that the policy allows.
 *
 * A page that is named may send its visitor's cookies. Where all pages are allowed they may not:
 * any page on the web could read what the visitor may.
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
  // Also without one, or a cache would give the answer to a page that it is not for.
  if (origin === undefined) return VARIES;
  return {
    ...VARIES,
    "Access-Control-Allow-Origin": origin,
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Expose-Headers": ANSWER_FIELDS,
  };
}

/** What an answer says that depends on who asks. */
export const VARIES: CrossOriginFields = { Vary: "Origin" };

/** A browser asks whether a page may send a request that is not simple. */
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
