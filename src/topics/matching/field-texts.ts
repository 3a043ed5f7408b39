import { forEachMember, stringAt } from "../json/members.ts";

/** Texts by field; `undefined` for a field that holds an array or an object. */
export type FieldTexts = ReadonlyMap<string, string | undefined>;

/**
 * Reads the texts of an event's fields from its JSON, as `matchFields` compares them; parsing the
 * event would cost many times as much.
 */
export function textsOf(json: string, wanted: { has(field: string): boolean }): FieldTexts {
  const texts = new Map<string, string | undefined>();
  forEachMember(json, (field, start, end) => {
    // The last one of duplicate fields counts, as in a parsed object.
    if (wanted.has(field)) texts.set(field, textAt(json, start, end));
  });
  return texts;
}

/** Returns the text of the value in `json` from `start` to `end`. */
export function textAt(json: string, start: number, end: number): string | undefined {
  switch (json.charAt(start)) {
    case "{":
    case "[":
      return undefined;
    case '"':
      return stringAt(json, start, end);
    case "t":
    case "f":
    case "n":
      return json.slice(start, end);
    default:
      // Formatted as JavaScript does: 1.50 becomes 1.5.
      return String(Number(json.slice(start, end)));
  }
}

/** Copies a text, because a slice of the JSON would keep all of it alive. */
export function ownText(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
