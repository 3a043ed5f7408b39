import type { Params } from "../declaration/params.ts";
import type { TopicEvent } from "../event.ts";
import { textsOf } from "./field-texts.ts";
import { textOf } from "./match-fields.ts";

/** A field and the text that its value must have. */
export interface FieldPair {
  readonly field: string;
  readonly text: string;
}

/** Which events of a topic belong to a view. */
export type Narrowing =
  | { readonly kind: "all" }
  /** No event matches, because the params compare a field with an object. */
  | { readonly kind: "none" }
  /** The pairs that `matchFields` compares, sorted by field. */
  | { readonly kind: "fields"; readonly pairs: readonly FieldPair[] }
  /** A function of the application that must be called with each event. */
  | { readonly kind: "opaque"; readonly matches: (event: TopicEvent) => boolean };

/** The narrowings that a topic can evaluate without calling the application. */
export type CompiledParams = Exclude<Narrowing, { kind: "opaque" }>;

/** Compiles params for `matchFields`, so that they are not processed again for each event. */
export function compileParams(params: Params): CompiledParams {
  const pairs: FieldPair[] = [];
  for (const [field, wanted] of Object.entries(params)) {
    const text = textOf(wanted);
    if (text === undefined) return { kind: "none" };
    pairs.push({ field, text });
  }
  if (pairs.length === 0) return { kind: "all" };
  return { kind: "fields", pairs: pairs.sort((a, b) => (a.field < b.field ? -1 : 1)) };
}

/** Returns a name that is equal exactly for compiled params that match the same events. */
export function nameOf(compiled: CompiledParams): string {
  if (compiled.kind !== "fields") return compiled.kind;
  return JSON.stringify(compiled.pairs.map(({ field, text }) => [field, text]));
}

/** Whether the object in a JSON text has every field with its text. */
export function matchesPairs(pairs: readonly FieldPair[], json: string): boolean {
  const texts = textsOf(json, fieldsOf(pairs));
  return pairs.every(({ field, text }) => texts.get(field) === text);
}

/** For a few fields, comparing is faster than creating a set. */
function fieldsOf(pairs: readonly FieldPair[]): { has(field: string): boolean } {
  if (pairs.length > 4) return new Set(pairs.map(({ field }) => field));
  return { has: (name) => pairs.some(({ field }) => field === name) };
}

/** Returns the function that tests whether an event belongs to a narrowing. */
export function matcherOf(narrowing: Narrowing): (event: TopicEvent) => boolean {
  switch (narrowing.kind) {
    case "all":
      return () => true;
    case "none":
      return () => false;
    case "fields":
      return ({ json }) => matchesPairs(narrowing.pairs, json);
    case "opaque":
      return narrowing.matches;
  }
}
