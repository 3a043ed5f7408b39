import { LongwireError, resolveLimits, shown } from "../base/index.ts";
import { isToken } from "../protocol/index.ts";
import type { Endpoint } from "./endpoint.ts";
import { checkOrigins } from "./accept/origin-policy.ts";

const METHODS = [
  "authorize",
  "onOpen",
  "onMessage",
  "onPing",
  "onPong",
  "onDrain",
  "onLimit",
  "onClose",
  "onError",
  "onRequest",
  "onDraining",
] as const satisfies (keyof Endpoint)[];

/**
 * Checks an endpoint when it is declared, because a mistake would otherwise show only when a client
 * connects.
 *
 * @throws LongwireError `invalid_endpoint`, `invalid_path`, `invalid_origins`,
 *   `invalid_subprotocols`, `invalid_limit`
 */
export function checkEndpoint(endpoint: Endpoint): void {
  if (typeof endpoint !== "object" || endpoint === null) {
    throw invalid(
      "invalid_endpoint",
      "An endpoint",
      endpoint,
      'an object such as { path: "/chat" }',
    );
  }
  const { path, origins, protocols, maxMessageBytes } = endpoint;
  if (path !== undefined && !(typeof path === "string" && path.startsWith("/"))) {
    const example = typeof path === "string" ? `"/${path}"` : '"/chat"';
    throw invalid(
      "invalid_path",
      "An endpoint's path",
      path,
      `a path with a leading slash: ${example}`,
    );
  }
  if (origins !== undefined) checkOrigins(origins);
  checkProtocols(protocols);
  resolveLimits({ maxMessageBytes: 1 }, { maxMessageBytes });
  for (const name of METHODS) {
    const method: unknown = endpoint[name];
    if (method === undefined || typeof method === "function") continue;
    throw invalid(
      "invalid_endpoint",
      `An endpoint's ${name}`,
      method,
      "a function, or leave it out",
    );
  }
}

function checkProtocols(protocols: unknown): void {
  if (protocols === undefined || typeof protocols === "function") return;
  const form = 'a list of tokens such as ["chat"], or a function';
  if (!Array.isArray(protocols)) {
    throw invalid("invalid_subprotocols", "An endpoint's protocols", protocols, form);
  }
  for (const name of protocols as unknown[]) {
    if (typeof name === "string" && isToken(name)) continue;
    throw invalid("invalid_subprotocols", "A subprotocol of an endpoint", name, form);
  }
}

function invalid(code: string, what: string, seen: unknown, form: string): LongwireError {
  return new LongwireError(code, `${what} is ${shown(seen)}; use ${form}.`);
}
