import { forEachMember, stringAt } from "../json/members.ts";

/** By field; `undefined` for one that holds an array or an object. */
export type FieldTexts = ReadonlyMap<string, string | undefined>;

/**
 * The texts of an event's fields, as `matchFields` compares them, read from its JSON: to parse an
 * event costs many times as much.
 */
export function textsOf(json: string, wanted: { has(field: string): boolean }): FieldTexts {
  const texts = new Map<string, string | undefined>();
  forEachMember(json, (field, start, end) => {
    // Of a field that is there twice the last counts, as in a parsed object.
    if (wanted.has(field)) texts.set(field, textAt(json, start, end));
  });
  return texts;
}

/** The text of the value that stands in `json` from `start` to `end`. */
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
      // As JavaScript writes it: 1.50 is 1.5.
      return String(Number(json.slice(start, end)));
  }
}

/** The same text, which keeps nothing else alive: what is read from JSON may be a part of it. */
export function ownText(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
