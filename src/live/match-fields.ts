import type { Params } from "./topic-declaration.ts";
import type { TopicEvent } from "./topic-event.ts";

/**
 * A `match` for topics of objects: an event is for those whose every param equals the field of the
 * same name, compared as text, since params from a URL are text.
 */
export function matchFields(params: Params, event: TopicEvent): boolean {
  const { data } = event;
  return Object.entries(params).every(
    ([name, wanted]) =>
      typeof data === "object" &&
      data !== null &&
      Object.hasOwn(data, name) &&
      textOf((data as Record<string, unknown>)[name]) === (textOf(wanted) ?? NO_TEXT),
  );
}

const NO_TEXT = Symbol("no text");

/** An object has none: a client may have given it a `toString` that cannot be called. */
function textOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null ? undefined : String(value);
}
