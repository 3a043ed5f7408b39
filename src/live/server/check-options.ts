import { LongwireError, shown } from "../../base/index.ts";
import { quoted, requireAuthorize, requireSchema } from "../../topics/index.ts";
import type { LiveServerOptions } from "./live-server-options.ts";

const FUNCTIONS = ["authenticate", "onError"] as const;

/**
 * Checks the options of `LiveServer.open`, so that a mistake fails at startup and not when the
 * first client connects.
 *
 * @throws LongwireError `missing_broker`, `invalid_topic`, `invalid_method`, `invalid_schema`,
 *   `invalid_option`
 */
export function checkOptions(options: LiveServerOptions): void {
  checkBroker((options as Partial<LiveServerOptions> | undefined)?.broker);
  const { topics, methods, clientMethods, tokenQuery, nodeName } = options;
  if (!Array.isArray(topics)) {
    const message = `topics is ${shown(topics)}; give a list of declarations, such as [keyedTopic("prices")].`;
    throw new LongwireError("invalid_topic", message);
  }
  for (const [name, declared] of Object.entries(methods ?? {})) checkMethod(name, declared);
  for (const [name, declared] of Object.entries(clientMethods ?? {})) {
    checkClientMethod(name, declared);
  }
  const authority: { authorize?: unknown } = options;
  requireAuthorize(authority.authorize, "invalid_option", "authorize");
  for (const name of FUNCTIONS) {
    const given: unknown = options[name];
    if (given === undefined || typeof given === "function") continue;
    throw invalidOption(name, given, "a function");
  }
  if (nodeName !== undefined && (typeof nodeName !== "string" || nodeName === "")) {
    throw invalidOption("nodeName", nodeName, 'a name such as "web-1"');
  }
  if (tokenQuery === undefined || (typeof tokenQuery === "string" && tokenQuery !== "")) return;
  throw invalidOption("tokenQuery", tokenQuery, 'a name such as "token"');
}

/**
 * Checks the path at which an endpoint is mounted.
 *
 * @throws LongwireError `invalid_path`
 */
export function checkMountPath(path: unknown): void {
  if (typeof path === "string" && /^\/[^?#*\s]*[^?#*\s/]$/.test(path)) return;
  const bare = typeof path === "string" ? bareOf(path) : "";
  const example = JSON.stringify(`/${bare === "" ? "live" : bare}`);
  const message = `The endpoint's path is ${shown(path)}; start it with a slash and end it without one, such as ${example}.`;
  throw new LongwireError("invalid_path", message);
}

/** Strips the characters that a mount path must not have, to suggest a valid one. */
function bareOf(path: string): string {
  return path
    .replace(/[?#].*$/s, "")
    .replaceAll(/[*\s]+/g, "")
    .replaceAll(/^\/+|\/+$/g, "");
}

function checkBroker(broker: unknown): void {
  const { openTopic } = (broker ?? {}) as { openTopic?: unknown };
  if (typeof openTopic === "function") return;
  const form =
    shown(broker) === "a promise" ? "await it" : "give one, such as broker: new MemoryBroker()";
  throw new LongwireError("missing_broker", `The broker is ${shown(broker)}; ${form}.`);
}

function checkMethod(name: string, declared: unknown): void {
  const { handle, params, authorize, timeoutMs } = (declared ?? {}) as Record<string, unknown>;
  if (typeof handle !== "function") {
    const seen =
      typeof declared === "function" ? "is a function" : `has ${shown(handle)} as handle`;
    const message = `The method ${quoted(name)} ${seen}; declare it as method({ handle: (params) => … }).`;
    throw new LongwireError("invalid_method", message);
  }
  const what = `the method ${quoted(name)}`;
  requireSchema(params, `The params schema of ${what}`);
  requireAuthorize(authorize, "invalid_method", `authorize of ${what}`);
  checkTimeout(timeoutMs, what);
}

function checkClientMethod(name: string, declared: unknown): void {
  const what = `the client method ${quoted(name)}`;
  if (typeof declared !== "object" || declared === null || "handle" in declared) {
    const seen = shown(declared) === "an object" ? "has a handler" : `is ${shown(declared)}`;
    const message = `The client method ${quoted(name)} ${seen}; declare it as clientMethod({ params, result }), and handle it in the client.`;
    throw new LongwireError("invalid_method", message);
  }
  const { params, result, authorize, timeoutMs } = declared as Record<string, unknown>;
  requireSchema(params, `The params schema of ${what}`);
  requireSchema(result, `The result schema of ${what}`);
  requireAuthorize(authorize, "invalid_method", `authorize of ${what}`);
  checkTimeout(timeoutMs, what);
}

function checkTimeout(timeoutMs: unknown, of: string): void {
  const isTime = Number.isSafeInteger(timeoutMs) && (timeoutMs as number) > 0;
  if (timeoutMs === undefined || isTime) return;
  const message = `timeoutMs of ${of} is ${shown(timeoutMs)}; give a positive number of milliseconds, or leave it out.`;
  throw new LongwireError("invalid_limit", message);
}

function invalidOption(name: string, given: unknown, form: string): LongwireError {
  return new LongwireError(
    "invalid_option",
    `${name} is ${shown(given)}; give ${form}, or leave it out.`,
  );
}
