/**
 * The base class of every error that Longwire throws or reports.
 *
 * `code` is stable and meant for programs. `message` is one line for people: what happened, what
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
 * Returns the error that `make` creates, without a stack. The stack of a network event shows only
 * how Longwire noticed it, and costs 5 µs.
 */
export function withoutStack<Made extends Error>(make: () => Made): Made {
  const limit = Object.getOwnPropertyDescriptor(Error, "stackTraceLimit");
  // If it is frozen, as with --frozen-intrinsics, assigning it would throw where it cannot be
  // caught.
  if (limit?.writable !== true) return make();
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}
