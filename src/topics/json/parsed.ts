import { MAX_WIDE_MEMBERS } from "../limits.ts";
import { LiveError, type LiveErrorCode } from "../live-error.ts";
import type { JsonPart } from "./json-part.ts";

/**
 * Parses what a client sent for the application.
 *
 * @param name what the client calls it
 * @param code what it is told where a number would become another one
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

/** What is said of a number that parsing would change. */
export function lossy(name: string, number: string): string {
  return `${name} has the number ${number.slice(0, 40)}, which would become ${Number(number)}; send it as a string.`;
}

/** @throws LiveError `too_large` for what would hold the loop for too long while it is parsed */
export function checkWidth({ wideMembers }: JsonPart, name: string): void {
  if (wideMembers <= MAX_WIDE_MEMBERS) return;
  const message = `${name} has objects of ${wideMembers} members; ${MAX_WIDE_MEMBERS} are the limit for objects with more than 1,000. Send arrays, or less at once.`;
  throw new LiveError("too_large", message);
}
