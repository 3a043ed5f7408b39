import { LongwireError, shown } from "../../base/index.ts";
import { quoted } from "../application-error.ts";
import type { StandardSchema } from "./standard-schema.ts";
import { checkNumbers, type TopicDeclaration } from "./topic-declaration.ts";
import { isReserved, isTopicPattern, overlapOf } from "./topic-name.ts";

/** The topics that the server itself writes and clients may read. */
const RESERVED_NAMES: ReadonlySet<string> = new Set([
  "$commands",
  "$connections",
  "$lifecycle",
  "$nodes",
  "$topics",
]);

/**
 * Checks a single declaration.
 *
 * @throws LongwireError `invalid_topic`, `invalid_schema`, `invalid_limit`
 */
export function checkDeclaration(declaration: TopicDeclaration): void {
  const { kind, name, data, params, match, authorize, onPublish, presence } = (declaration ??
    {}) as Partial<TopicDeclaration>;
  if (kind !== "log" && kind !== "keyed") {
    const form = 'declare it with logTopic("news") or keyedTopic("prices")';
    throw invalidTopic(
      `A declared topic is ${shown(declaration)} of kind ${shown(kind)}; ${form}.`,
    );
  }
  if (typeof name === "string" && isReserved(name)) {
    // Their own functions declare them, and keep to the form.
    if (RESERVED_NAMES.has(name)) return;
    throw invalidTopic(
      `The topic name ${shown(name)} begins with $; such names are the server's own, use another one.`,
    );
  }
  if (typeof name !== "string" || !isTopicPattern(name)) {
    throw invalidTopic(
      `The topic name ${shown(name)} is not valid; use 1–255 of A–Z a–z 0–9 . _ ~ / - without a leading or trailing slash, and :name for a parameter.`,
    );
  }
  requireSchema(data, `The data schema of the topic ${quoted(name)}`);
  requireSchema(params, `The params schema of the topic ${quoted(name)}`);
  const { data: update, describe } = optionsIn(presence);
  requireSchema(update, `The presence.data schema of the topic ${quoted(name)}`);
  requireAuthorize(authorize, "invalid_topic", `authorize of the topic ${quoted(name)}`);
  const functions = { match, onPublish, "presence.describe": describe };
  for (const [option, given] of Object.entries(functions)) {
    requireFunction(given, "invalid_topic", `${option} of the topic ${quoted(name)}`);
  }
  checkNumbers(declaration);
  const { keyFrom } = declaration as { keyFrom?: unknown };
  if (keyFrom === undefined || keyFrom === "client" || keyFrom === "identity") return;
  throw invalidTopic(
    `keyFrom of the topic ${quoted(name)} is ${shown(keyFrom)}; use "identity", or leave it out.`,
  );
}

function optionsIn(presence: unknown): { data?: unknown; describe?: unknown } {
  return typeof presence === "object" && presence !== null ? presence : {};
}

/**
 * Checks that each name belongs to exactly one declaration. A plain name takes precedence over
 * patterns, and the first matching pattern wins, so a narrower pattern must come first.
 *
 * @param before the patterns that were declared earlier
 * @throws LongwireError `invalid_topic`
 */
export function checkPattern(name: string, before: readonly string[]): void {
  for (const other of before) {
    const overlap = overlapOf(other, name);
    // The narrower one comes first, so both are reachable.
    if (overlap === "none" || overlap === "first-narrower") continue;
    const names = `The topic patterns ${quoted(other)} and ${quoted(name)}`;
    if (overlap === "equal") throw invalidTopic(`${names} match the same names; declare only one.`);
    if (overlap === "second-narrower") {
      throw invalidTopic(
        `The topic pattern ${quoted(name)} is unreachable, because ${quoted(other)} matches all of its names; declare ${quoted(name)} before it.`,
      );
    }
    throw invalidTopic(
      `${names} overlap, and neither is narrower; make them differ in a part that is not a parameter.`,
    );
  }
}

/** Checks an optional schema. @throws LongwireError `invalid_schema` */
export function requireSchema(schema: unknown, what: string): void {
  if (schema === undefined) return;
  const given: Partial<StandardSchema> = schema ?? {};
  if (typeof given["~standard"]?.validate === "function") return;
  const form = "give a schema of a library that implements Standard Schema, such as valibot or zod";
  throw new LongwireError("invalid_schema", `${what} is ${shown(schema)}; ${form}.`);
}

/** Checks an optional function. @throws LongwireError with `code` */
function requireFunction(given: unknown, code: string, what: string): void {
  if (given === undefined || typeof given === "function") return;
  throw new LongwireError(code, `${what} is ${shown(given)}; give a function, or leave it out.`);
}

/**
 * Checks an optional `authorize`. One that was written for several arguments would take the request
 * for an identity, and allow what it must not.
 *
 * @throws LongwireError with `code`
 */
export function requireAuthorize(given: unknown, code: string, what: string): void {
  requireFunction(given, code, what);
  if (typeof given !== "function" || given.length <= 1) return;
  throw new LongwireError(
    code,
    `${what} has ${given.length} parameters; give it one: ({ identity, action, topic, params, draft }) => ….`,
  );
}

function invalidTopic(message: string): LongwireError {
  return new LongwireError("invalid_topic", message);
}
