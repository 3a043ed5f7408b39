/** The maximum size of a frame header with its mask, in bytes. (RFC 6455 §5.2) */
const MAX_HEADER_BYTES = 14;

/** Calls `step` once everything sent so far has left the process. */
type AfterWritten = (step: () => void) => void;

let touched: UnsentPayload[] = [];

/**
 * Counts the payload that was sent but has not left the process.
 *
 * The number decreases only between two tasks, however much leaves meanwhile, and never after the
 * connection has ended. (WHATWG WebSockets §3.1, "bufferedAmount")
 */
export class UnsentPayload {
  readonly #afterWritten: AfterWritten;
  #bytes = 0;
  #messages = 0;
  /** The part of them that was sent in the current task. */
  #freshBytes = 0;
  #freshMessages = 0;

  constructor(afterWritten: AfterWritten) {
    this.#afterWritten = afterWritten;
  }

  /** Payload without frame headers, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The maximum size of these messages on the wire, in bytes. */
  get frameBytes(): number {
    return this.#bytes + this.#messages * MAX_HEADER_BYTES;
  }

  /** Counts a message that was just sent. */
  add(size: number): void {
    if (this.#freshMessages === 0) settleLater(this);
    this.#bytes += size;
    this.#messages += 1;
    this.#freshBytes += size;
    this.#freshMessages += 1;
  }

  /** Schedules a later task that subtracts the bytes that have left. */
  settle(): void {
    const bytes = this.#freshBytes;
    const messages = this.#freshMessages;
    if (messages === 0) return;
    this.#freshBytes = 0;
    this.#freshMessages = 0;
    this.#afterWritten(() => {
      this.#bytes -= bytes;
      this.#messages -= messages;
    });
  }
}

/** One timer for all connections that sent something in this task. */
function settleLater(one: UnsentPayload): void {
  if (touched.length === 0) setImmediate(settleAll);
  touched.push(one);
}

function settleAll(): void {
  const all = touched;
  touched = [];
  for (const one of all) one.settle();
}
