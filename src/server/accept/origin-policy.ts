import { LongwireError } from "../../base/index.ts";
import type { Refusal } from "../../protocol/index.ts";

/**
 * The pages that may connect from a browser.
 *
 * `"same"` (the default): pages with the host and port that they connect to. `"any"`: all pages,
 * for services that need no protection. A list: these origins, such as `https://example.com`, and
 * the same host. A function: your own decision.
 *
 * A browser sends cookies with a handshake to any host, so without this check every page on the web
 * could act as the user who visits it. (RFC 6455 §10.2) Clients other than browsers do not have to
 * send `Origin`; without it they are accepted. So this does not protect against them.
 */
export type OriginPolicy = "same" | "any" | readonly string[] | ((origin: string) => boolean);

/** @throws LongwireError `invalid_origins` for a value that cannot match the origin of any page */
export function checkOrigins(policy: unknown): asserts policy is OriginPolicy {
  if (policy === "same" || policy === "any" || typeof policy === "function") return;
  if (Array.isArray(policy)) return policy.forEach(checkOrigin);
  const hint =
    policy === "*" ? '"any"' : `"same", "any", a list such as ${example(policy)}, or a function`;
  throw invalidOrigins(`origins is ${JSON.stringify(policy) ?? String(policy)}; use ${hint}.`);
}

function checkOrigin(origin: unknown): void {
  // Sandboxed pages and pages from files send "null"; an application may trust them.
  if (origin === "null") return;
  if (typeof origin === "string" && originOf(origin) === origin) return;
  const shown = JSON.stringify(origin) ?? String(origin);
  if (origin === "*")
    throw invalidOrigins('origins contains "*"; use origins: "any" to allow all pages.');
  throw invalidOrigins(
    `origins contains ${shown}; use the scheme and host as a browser sends them, such as ${example(origin)}.`,
  );
}

/** Returns a valid origin that resembles the given value, as a hint. */
function example(given: unknown): string {
  const near =
    typeof given === "string" ? (originOf(given) ?? originOf(`https://${given}`)) : undefined;
  return JSON.stringify(near ?? "https://example.com");
}

function originOf(text: string): string | undefined {
  try {
    const { protocol, host, origin } = new URL(text);
    if (host === "") return undefined;
    // `URL` reports "null" as the origin for schemes that it does not know.
    return origin === "null" ? `${protocol}//${host}` : origin;
  } catch {
    return undefined;
  }
}

function invalidOrigins(message: string): LongwireError {
  return new LongwireError("invalid_origins", message);
}

export function isOriginAllowed(
  policy: OriginPolicy,
  origin: string | undefined,
  host: string | undefined,
): boolean {
  if (origin === undefined || policy === "any") return true;
  if (typeof policy === "function") return policy(origin);
  if (typeof policy !== "string" && policy.includes(origin)) return true;
  return isSameHost(origin, host);
}

export function foreignOrigin(origin = ""): Refusal {
  const message = `Pages from ${origin.slice(0, 200)} may not connect; add this origin to the endpoint's origins to allow them.`;
  return { status: 403, code: "foreign_origin", message, headers: [] };
}

function isSameHost(origin: string, host: string | undefined): boolean {
  if (host === undefined) return false;
  try {
    const page = new URL(origin);
    // Parsed with the page's scheme, so that a missing port equals the scheme's default port.
    return page.host !== "" && page.host === new URL(`${page.protocol}//${host}`).host;
  } catch {
    // "null", the origin of sandboxed pages, does not match any host.
    return false;
  }
}
