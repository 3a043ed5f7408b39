/** The longest header of a frame, with its mask. (RFC 6455 §5.2) */
const MAX_HEADER_BYTES = 14;

/** Calls back once all that was sent so far has left the process. */
type AfterWritten = (step: () => void) => void;

let touched: UnsentPayload[] = [];

/**
 * Messages that were sent and have not left the process.
 *
 * They grow less only between two tasks, however much leaves meanwhile, and never once the
 * connection has ended. (WHATWG WebSockets §3.1, "bufferedAmount")
 */
export class UnsentPayload {
  readonly #afterWritten: AfterWritten;
  #bytes = 0;
  #messages = 0;
  /** Of them, those of the present task. */
  #freshBytes = 0;
  #freshMessages = 0;

  constructor(afterWritten: AfterWritten) {
    this.#afterWritten = afterWritten;
  }

  /** Payload only. */
  get bytes(): number {
    return this.#bytes;
  }

  /** At most so many bytes are they on the wire. */
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

  /** Takes note, in a later task, of when what was sent is gone. */
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
