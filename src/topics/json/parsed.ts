import { MAX_WIDE_MEMBERS } from "../limits.ts";
import { LiveError, type LiveErrorCode } from "../live-error.ts";
import type { JsonPart } from "./json-part.ts";

/**
 * Parses what a client sent for the application.
 *
 * @param name the member's name in the protocol
 * @param code the error code for numbers that parsing would change
 * @throws LiveError `code`, `too_large`
 */
export function parsed(
  part: JsonPart,
  { name, code }: { name: string; code: LiveErrorCode },
): unknown {
  const { lossyNumber } = part;
  if (lossyNumber !== undefined) throw new LiveError(code, lossy(name, lossyNumber));
  checkWidth(part, name);
  return part.value;
}

/** The error text for a number that parsing would change. */
export function lossy(name: string, number: string): string {
  return `${name} has the number ${number.slice(0, 40)}, which would become ${Number(number)}; send it as a string.`;
}

/**
 * @throws LiveError `too_large` for what would block the event loop for too long while it is parsed
 */
export function checkWidth({ wideMembers }: JsonPart, name: string): void {
  if (wideMembers <= MAX_WIDE_MEMBERS) return;
  const message = `${name} has objects of ${wideMembers} members; the limit is ${MAX_WIDE_MEMBERS} in objects with more than 1,000. Send arrays, or split it up.`;
  throw new LiveError("too_large", message);
}
