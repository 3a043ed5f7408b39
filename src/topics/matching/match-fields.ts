import type { Params } from "../declaration/topic-declaration.ts";
import type { TopicEvent } from "../event.ts";

/**
 * A `match` for topics of objects: an event matches when every param equals the field of the same
 * name, compared as text, since params from a URL are text. Arrays have no fields.
 *
 * A topic recognises this function and never calls it: `compileParams` and `matchesPairs` do the
 * same with params that are compiled once per view.
 */
export function matchFields(params: Params, event: TopicEvent): boolean {
  const { data } = event;
  return Object.entries(params).every(
    ([name, wanted]) =>
      typeof data === "object" &&
      data !== null &&
      !Array.isArray(data) &&
      Object.hasOwn(data, name) &&
      textOf((data as Record<string, unknown>)[name]) === (textOf(wanted) ?? NO_TEXT),
  );
}

const NO_TEXT = Symbol("no text");

/** An object has none, because a client may have given it a `toString` that is not a function. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null ? undefined : String(value);
}
