import { LiveError } from "./live-error.ts";
import type { EventDraft } from "./event.ts";

/**
 * Checks the texts of a draft by which events are known: brokers encode them as UTF-8, which has
 * nothing for half of a surrogate pair, so two different texts could become one.
 *
 * @throws LiveError `bad_request`
 */
export function requireWellFormed({ key, idempotencyKey }: EventDraft): void {
  if (key !== undefined) requireText("key", key);
  if (idempotencyKey !== undefined) requireText("idempotencyKey", idempotencyKey);
}

/** @throws LiveError `bad_request` */
export function requireWellFormedName(name: string): void {
  requireText("topic name", name);
}

function requireText(what: string, text: string): void {
  if (text.isWellFormed()) return;
  // As JSON it can be shown: what is half of a pair is escaped there.
  const message = `The ${what} ${JSON.stringify(text)} has half of a surrogate pair; give well-formed text.`;
  throw new LiveError("bad_request", message);
}
