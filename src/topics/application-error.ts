import { type Awaitable, isPending, LongwireError } from "../base/index.ts";
import { LiveError } from "./live-error.ts";

/** A longer text of an error is cut off: a report is one line. */
const MAX_TEXT_LENGTH = 300;

/** Which function of the application was called, and for what. */
export interface CalledFunction {
  /** Such as `The method "add"`; names what is declared and nothing that a client chose. */
  readonly name: string;
  /** Such as `on a call by the identity "alice"`. */
  readonly occasion: string;
}

/** A function of the application threw, or returned what it must not. `cause` has its stack. */
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
 * Calls a function of the application. A `LiveError` that it throws is an answer and passes; what
 * else it throws, or rejects with, is thrown as an `ApplicationError`.
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
 * Sees to it that a promise from a function that must not return one ends nothing when it rejects.
 *
 * @returns whether it was a promise
 */
export function isStrayPromise(result: unknown): boolean {
  if (!isPending(result)) return false;
  // The function is reported for its promise already; one that rejects would end the process.
  Promise.resolve(result).catch(() => {});
  return true;
}

/** The text of whatever was thrown, on one line. */
export function errorText(cause: unknown): string {
  let text: string;
  try {
    text = String(cause instanceof Error ? cause.message : cause);
  } catch {
    text = `a value of type ${typeof cause} without a text`;
  }
  return oneLine(text);
}

/** Without line breaks and other control characters, which could forge a line of a log. */
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

/** A name as it is shown in an error, in quotes. */
export function quoted(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}
