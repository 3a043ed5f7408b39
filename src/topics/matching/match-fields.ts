import type { Params } from "../declaration/params.ts";
import type { TopicEvent } from "../event.ts";

/**
 * A `match` for topics whose data are objects: an event matches if every param equals the field of
 * the same name. They are compared as text, because params from a URL are text. Arrays have no
 * fields.
 *
 * A topic recognizes this function and never calls it: `compileParams` and `matchesPairs` do the
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

/** Objects have no text, because a client may send one whose `toString` is not a function. */
export function textOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null ? undefined : String(value);
}
