import { LongwireError, type Clock } from "../../../base/index.ts";
import { ApplicationError, errorText, oneLine, type Report } from "../../../topics/index.ts";

/** How often errors of the same kind are reported in a time; then they are counted. */
interface Pace {
  readonly most: number;
  readonly windowMs: number;
  readonly window: string;
}

/** Clients could repeat what causes an error as fast as they like. */
const USUAL: Pace = { most: 10, windowMs: 1_000, window: "a second" };

/** What fails for as long as its cause is there, perhaps for hours, with each event. */
const LASTING: Pace = { most: 1, windowMs: 60_000, window: "a minute" };

/** How many different errors are told apart. */
const MAX_KINDS = 100;

/** Something that fails as long as its cause is there: reported once, then once a minute. */
export class LastingError extends LongwireError {
  /** Equal for all failures of one cause. */
  readonly kind: string;

  constructor(code: string, message: string, { kind, cause }: { kind: string; cause?: unknown }) {
    super(code, message, { cause });
    this.kind = kind;
  }
}

/** What is counted of one kind of error. */
interface Repeats {
  count: number;
  latest: LongwireError;
}

/**
 * Makes errors of all that failed, and gives them to the application's `onError`; without one, one
 * line each on standard error.
 */
export function reporter(
  onError: ((error: LongwireError) => void) | undefined,
  clock: Clock,
): Report {
  const usual = new PacedReports(USUAL, clock, (error) => tell(onError, error));
  const lasting = new PacedReports(LASTING, clock, (error) => tell(onError, error));
  return (cause) => {
    if (cause instanceof LastingError) return lasting.report(cause, cause.kind);
    if (cause instanceof ApplicationError) return usual.report(cause, cause.kind);
    const message = `The application or its broker failed: ${errorText(cause)}. See cause.`;
    usual.report(new LongwireError("application_failed", message, { cause }), message);
  };
}

/** Reports of which each kind comes so often and not more. */
class PacedReports {
  readonly #pace: Pace;
  readonly #clock: Clock;
  readonly #tell: (error: LongwireError) => void;
  readonly #kinds = new Map<string, Repeats>();

  constructor(pace: Pace, clock: Clock, tell: (error: LongwireError) => void) {
    this.#pace = pace;
    this.#clock = clock;
    this.#tell = tell;
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
    if (repeats.count <= this.#pace.most) this.#tell(error);
  }

  #endLater(kind: string, repeats: Repeats): void {
    const { most, windowMs, window } = this.#pace;
    this.#clock.after(windowMs, () => {
      const more = repeats.count - most;
      if (more <= 0 || this.#pace === USUAL) this.#kinds.delete(kind);
      if (more <= 0) return;
      const { code, message, cause } = repeats.latest;
      const counted = `${message} It came ${more} more times within ${window}.`;
      this.#tell(new LongwireError(code, counted, { cause }));
      if (this.#pace === USUAL) return;
      // It goes on: the next ones are counted for another minute.
      repeats.count = most;
      this.#endLater(kind, repeats);
    });
  }
}

/** Never throws: an `onError` that fails has nobody left to tell but the log. */
function tell(
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

/** One line, which has what a developer looks for first: where it was thrown. */
function log(error: LongwireError): void {
  const place = placeOf(error.cause);
  const where = place === undefined ? "" : ` Thrown ${place}; give onError for the stack.`;
  console.error(`longwire: ${error.message.replace(" See cause.", "")}${where}`);
}

/** The first line of a stack that is not of Node itself, such as `at add (server.mjs:3:9)`. */
function placeOf(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || cause instanceof LongwireError) return undefined;
  const lines = String(cause.stack).split("\n");
  const first = lines.find((line) => /^\s+at .*:\d+:\d+\)?$/.test(line) && !line.includes("node:"));
  return first === undefined ? undefined : oneLine(first);
}
