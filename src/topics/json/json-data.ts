import { errorText } from "../application-error.ts";
import { LiveError } from "../live-error.ts";

/** Longer paths are cut off. */
const MAX_PATH_LENGTH = 200;

/** An invalid value and its path. */
interface Finding {
  readonly path: string;
  readonly what: string;
}

/**
 * Serializes data as JSON. As with `JSON.stringify`, `undefined` members are left out, and
 * `undefined` in an array becomes `null`.
 *
 * @param name what to call the data in an error
 * @throws LiveError `invalid_data` for what JSON cannot represent, including NaN, infinite numbers
 *   and invalid dates, which `JSON.stringify` turns into `null`
 */
export function jsonOf(data: unknown, name = "data"): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(data) as string | undefined;
  } catch (error) {
    throw unserializable(data, name, error);
  }
  if (json === undefined) {
    throw invalid(`${name} is ${typeof data}`);
  }
  // Without a `null` in the text, no number was lost, and the search can be skipped.
  if (!json.includes("null")) return json;
  const found = search(data, name, isLostNumber);
  if (found === undefined) return json;
  throw invalid(`${found.path} is ${found.what}`);
}

function unserializable(data: unknown, name: string, error: unknown): LiveError {
  const found = search(data, name, (value) => (typeof value === "bigint" ? "a BigInt" : undefined));
  if (found !== undefined) {
    return invalid(`${found.path} is ${found.what}`, "publish it as a number or a string");
  }
  return invalid(`The ${name} cannot be serialized as JSON (${errorText(error)})`);
}

function invalid(seen: string, form = "publish JSON-compatible data"): LiveError {
  return new LiveError("invalid_data", `${seen}; ${form}.`);
}

/** Describes a value that would silently become `null` in JSON. */
function isLostNumber(value: unknown): string | undefined {
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (value instanceof Date && Number.isNaN(value.getTime())) return "an invalid Date";
  return undefined;
}

/** Finds the first value that `test` describes, in the order of `JSON.stringify`. */
function search(
  data: unknown,
  name: string,
  test: (value: unknown) => string | undefined,
): Finding | undefined {
  const walked = new Set<object>();
  const visit = (holder: Readonly<Record<string, unknown>>, key: string): Finding | undefined => {
    const given = holder[key];
    const lost = test(given);
    if (lost !== undefined) return { path: "", what: lost };
    const value = replaced(given, key);
    const what = value === given ? undefined : test(value);
    if (what !== undefined) return { path: "", what };
    // Each object is searched once, which also ends cycles.
    if (typeof value !== "object" || value === null || walked.has(value)) return undefined;
    walked.add(value);
    const members = value as Readonly<Record<string, unknown>>;
    for (const member of Object.keys(members)) {
      const found = visit(members, member);
      if (found === undefined) continue;
      return { path: stepOf(member, Array.isArray(value)) + found.path, what: found.what };
    }
    return undefined;
  };
  try {
    const found = visit({ "": data }, "");
    return found && { path: (name + found.path).slice(0, MAX_PATH_LENGTH), what: found.what };
  } catch {
    // A getter or toJSON has thrown, or the nesting exceeds the stack.
    return undefined;
  }
}

/** Returns what `JSON.stringify` uses in place of a value. (ECMA-262, SerializeJSONProperty) */
function replaced(value: unknown, key: string): unknown {
  const { toJSON } = (value ?? {}) as { toJSON?: unknown };
  const isAsked = typeof value === "object" || typeof value === "bigint";
  return isAsked && typeof toJSON === "function" ? (toJSON.call(value, key) as unknown) : value;
}

function stepOf(member: string, isInArray: boolean): string {
  if (isInArray) return `[${member}]`;
  return /^[A-Za-z_$][\w$]*$/.test(member) ? `.${member}` : `[${JSON.stringify(member)}]`;
}
