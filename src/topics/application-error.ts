import { type Awaitable, isPending, LongwireError } from "../base/index.ts";
import { LiveError } from "./live-error.ts";

/** Longer texts are cut off, because a report is one line. */
const MAX_TEXT_LENGTH = 300;

/** Names a function of the application and the occasion of its call. */
export interface CalledFunction {
  /** Such as `The method "add"`. Contains declared names only, nothing that a client chose. */
  readonly name: string;
  /** Such as `on a call by the identity "alice"`. */
  readonly occasion: string;
}

/** A function of the application threw or returned an invalid value. `cause` has the stack. */
export class ApplicationError extends LongwireError {
  /** Equal for all failures of the same function with the same text. */
  readonly kind: string;

  constructor({ name, occasion }: CalledFunction, cause: unknown) {
    const seen = errorText(cause);
    super("application_failed", `${name} failed ${occasion}: ${seen}. See cause.`, { cause });
    this.kind = `${name}: ${seen}`;
  }
}

/**
 * Calls a function of the application. A `LiveError` that it throws passes unchanged, because it is
 * meant as an answer; anything else is thrown as an `ApplicationError`.
 *
 * @param describe called only after a failure
 */
export function callApplication<Result>(
  describe: () => CalledFunction,
  call: () => Awaitable<Result>,
): Awaitable<Result> {
  const fail = (cause: unknown): never => {
    throw cause instanceof LiveError ? cause : new ApplicationError(describe(), cause);
  };
  try {
    const result = call();
    return isPending(result) ? Promise.resolve(result).catch(fail) : result;
  } catch (cause) {
    return fail(cause);
  }
}

/**
 * Handles the rejection of a promise that a synchronous function must not return.
 *
 * @returns whether `result` was a promise
 */
export function isStrayPromise(result: unknown): boolean {
  if (!isPending(result)) return false;
  // The promise itself is already reported; its unhandled rejection would end the process.
  Promise.resolve(result).catch(() => {});
  return true;
}

/** Returns the text of any thrown value, on one line. */
export function errorText(cause: unknown): string {
  let text: string;
  try {
    text = String(cause instanceof Error ? cause.message : cause);
  } catch {
    text = `a value of type ${typeof cause} without a text`;
  }
  return oneLine(text);
}

/** Replaces line breaks and other control characters, which could forge a log line. */
export function oneLine(text: string): string {
  const short = text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
  return (
    short
      // oxlint-disable-next-line no-control-regex
      .replaceAll(/[\u0000-\u001F\u007F-\u009F\u2028\u2029]+/g, " ")
      .trim()
      .replace(/\.$/, "")
  );
}

/** Quotes a name for an error message. */
export function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
