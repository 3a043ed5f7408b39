import { JsonPart } from "./json-part.ts";
import { endOfString, endOfValue, noFindings, NO_VALUE, skipSpace, type Findings } from "./scan.ts";

const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

/** Called with the name of an object's member and the range of its value. */
type Visit = (name: string, start: number, end: number, findings: Findings) => void;

/** Reads a JSON text without parsing it; `undefined` if it is not JSON or too deeply nested. */
export function readValue(text: string): JsonPart | undefined {
  const findings = noFindings();
  const start = skipSpace(text, 0, findings);
  const end = endOfValue(text, start, findings);
  if (end === NO_VALUE || skipSpace(text, end, findings) !== text.length) return undefined;
  return new JsonPart(text, start, end, findings);
}

/**
 * Reads a JSON object without parsing its values.
 *
 * @param names the members to return; the last one of duplicates counts
 * @returns those members, or `undefined` if the text is not a JSON object or too deeply nested
 */
export function readObject(
  text: string,
  names: ReadonlySet<string>,
): ReadonlyMap<string, JsonPart> | undefined {
  const members = new Map<string, JsonPart>();
  const isObject = visitMembers(text, noFindings, (name, start, end, findings) => {
    if (names.has(name)) members.set(name, new JsonPart(text, start, end, findings));
  });
  return isObject ? members : undefined;
}

/** Calls `visit` for each member of a JSON object; does nothing for any other text. */
export function forEachMember(
  json: string,
  visit: (name: string, start: number, end: number) => void,
): void {
  const findings = noFindings();
  visitMembers(json, () => findings, visit);
}

/** @returns whether the whole text is an object */
function visitMembers(text: string, findingsFor: () => Findings, visit: Visit): boolean {
  const around = noFindings();
  let at = skipSpace(text, 0, around);
  if (text.charCodeAt(at) !== OPEN_BRACE) return false;
  at = skipSpace(text, at + 1, around);
  if (text.charCodeAt(at) !== CLOSE_BRACE) {
    for (;;) {
      const nameEnd = endOfString(text, at);
      if (nameEnd === NO_VALUE) return false;
      const name = stringAt(text, at, nameEnd);
      at = skipSpace(text, nameEnd, around);
      if (text.charCodeAt(at) !== COLON) return false;
      const start = skipSpace(text, at + 1, around);
      const findings = findingsFor();
      const end = endOfValue(text, start, findings);
      if (end === NO_VALUE) return false;
      visit(name, start, end, findings);
      at = skipSpace(text, end, around);
      if (text.charCodeAt(at) !== COMMA) break;
      at = skipSpace(text, at + 1, around);
    }
  }
  return text.charCodeAt(at) === CLOSE_BRACE && skipSpace(text, at + 1, around) === text.length;
}

/** Returns the string at `at` up to `end`, including its quotes. */
export function stringAt(text: string, at: number, end: number): string {
  const raw = text.slice(at + 1, end - 1);
  return raw.includes("\\") ? (JSON.parse(text.slice(at, end)) as string) : raw;
}
