import { LiveError } from "./live-error.ts";
import type { EventDraft } from "./event.ts";

/**
 * Checks the texts that identify a draft. Brokers encode them as UTF-8, which cannot represent half
 * of a surrogate pair, so two different texts could become the same.
 *
 * @throws LiveError `bad_request`
 */
export function requireWellFormed({ key, idempotencyKey }: EventDraft): void {
  if (key !== undefined) requireText("key", key);
  if (idempotencyKey !== undefined) requireText("idempotencyKey", idempotencyKey);
}

/** Checks a topic's name. @throws LiveError `bad_request` */
export function requireWellFormedName(name: string): void {
  requireText("topic name", name);
}

function requireText(what: string, text: string): void {
  if (text.isWellFormed()) return;
  // As JSON it can be printed, because half of a pair is escaped there.
  const message = `The ${what} ${JSON.stringify(text)} contains half of a surrogate pair; send well-formed text.`;
  throw new LiveError("bad_request", message);
}
