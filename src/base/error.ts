/**
 * The root of every error that Longwire raises or reports.
 *
 * `code` is stable and meant for programs; `message` is one line for people: what was seen, what
 * was expected, what to do.
 */
export class LongwireError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/**
 * Returns what `make` makes, without a stack: of something that happened on the network it shows
 * only how that was found out, and costs 5 µs.
 */
export function withoutStack<Made extends Error>(make: () => Made): Made {
  const limit = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit");
  // Frozen, as with --frozen-intrinsics, it would throw where nobody can catch it.
  if (limit?.writable !== true) return make();
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
