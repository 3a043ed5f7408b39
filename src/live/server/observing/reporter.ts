import { LongwireError, type Clock } from "../../../base/index.ts";
import { ApplicationError, errorText, oneLine, type Report } from "../../../topics/index.ts";

/** How many errors of one kind are reported per time window; the rest are counted. */
interface Pace {
  readonly most: number;
  readonly windowMs: number;
  readonly window: string;
}

/** Clients could repeat the cause of an error at any rate. */
const USUAL: Pace = { most: 10, windowMs: 1_000, window: "a second" };

/** For failures that repeat with each event while their cause lasts, possibly for hours. */
const LASTING: Pace = { most: 1, windowMs: 60_000, window: "a minute" };

/** How many kinds of errors are counted separately. */
const MAX_KINDS = 100;

/** A failure that repeats while its cause lasts: reported once, then once a minute. */
export class LastingError extends LongwireError {
  /** Equal for all failures of one cause. */
  readonly kind: string;

  constructor(code: string, message: string, { kind, cause }: { kind: string; cause?: unknown }) {
    super(code, message, { cause });
    this.kind = kind;
  }
}

/** The count of one kind of error. */
interface Repeats {
  count: number;
  latest: LongwireError;
}

/**
 * Returns a function that converts failures to errors and passes them to the application's
 * `onError`. The default writes one line each to standard error.
 */
export function reporter(
  onError: ((error: LongwireError) => void) | undefined,
  clock: Clock,
): Report {
  const usual = new PacedReports(USUAL, clock, (error) => deliver(onError, error));
  const lasting = new PacedReports(LASTING, clock, (error) => deliver(onError, error));
  return (cause) => {
    if (cause instanceof LastingError) return lasting.report(cause, cause.kind);
    if (cause instanceof ApplicationError) return usual.report(cause, cause.kind);
    const message = `The application or its broker failed: ${errorText(cause)}. See cause.`;
    usual.report(new LongwireError("application_failed", message, { cause }), message);
  };
}

/** Reports each kind of error at a limited rate. */
class PacedReports {
  readonly #pace: Pace;
  readonly #clock: Clock;
  readonly #deliver: (error: LongwireError) => void;
  readonly #kinds = new Map<string, Repeats>();

  constructor(pace: Pace, clock: Clock, deliver: (error: LongwireError) => void) {
    this.#pace = pace;
    this.#clock = clock;
    this.#deliver = deliver;
  }

  report(error: LongwireError, kind: string): void {
    const known = this.#kinds.get(kind);
    if (known === undefined && this.#kinds.size >= MAX_KINDS) return;
    const repeats = known ?? { count: 0, latest: error };
    repeats.count += 1;
    repeats.latest = error;
    if (known === undefined) {
      this.#kinds.set(kind, repeats);
      this.#endLater(kind, repeats);
    }
    if (repeats.count <= this.#pace.most) this.#deliver(error);
  }

  #endLater(kind: string, repeats: Repeats): void {
    const { most, windowMs, window } = this.#pace;
    this.#clock.after(windowMs, () => {
      const more = repeats.count - most;
      if (more <= 0 || this.#pace === USUAL) this.#kinds.delete(kind);
      if (more <= 0) return;
      const { code, message, cause } = repeats.latest;
      const counted = `${message} It occurred ${more} more times within ${window}.`;
      this.#deliver(new LongwireError(code, counted, { cause }));
      if (this.#pace === USUAL) return;
      // The error persists: count for another window.
      repeats.count = most;
      this.#endLater(kind, repeats);
    });
  }
}

/** Never throws: if `onError` itself fails, the failure is logged. */
function deliver(
  onError: ((error: LongwireError) => unknown) | undefined,
  error: LongwireError,
): void {
  if (onError === undefined) return log(error);
  try {
    const pending = onError(error);
    if (pending instanceof Promise) pending.catch(() => log(error));
  } catch {
    log(error);
  }
}

/** One line that includes where the error was thrown, because developers need that first. */
function log(error: LongwireError): void {
  const place = placeOf(error.cause);
  const where = place === undefined ? "" : ` Thrown ${place}; give onError for the stack.`;
  console.error(`longwire: ${error.message.replace(" See cause.", "")}${where}`);
}

/** Returns the first stack line outside of Node's own code, such as `at add (server.mjs:3:9)`. */
function placeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || cause instanceof LongwireError) return undefined;
  const lines = String(cause.stack).split("\n");
  const first = lines.find((line) => /^\s+at .*:\d+:\d+\)?$/.test(line) && !line.includes("node:"));
  return first === undefined ? undefined : oneLine(first);
}
