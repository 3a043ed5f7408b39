import type { Sendable, TextOrBytes } from "../standard/sendable.ts";

/**
 * Keeps messages in the order of `send`.
 *
 * A Blob's bytes come later than its `send`; what was sent behind it waits for them. Without a
 * Blob nothing is queued.
 */
export class SendQueue {
  readonly #deliver: (message: TextOrBytes) => void;
  readonly #fail: (error: unknown) => void;
  readonly #waiting: Sendable[] = [];
  #waitingBytes = 0;
  #reading = false;
  #afterwards: (() => void) | undefined;

  constructor(deliver: (message: TextOrBytes) => void, fail: (error: unknown) => void) {
    this.#deliver = deliver;
    this.#fail = fail;
  }

  /** Payload bytes that wait for a Blob before them, or in it, or that one kept from leaving. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  add(message: Sendable): void {
    if (!this.#reading && message.kind !== "blob") return this.#deliver(message);
    // Whoever sent bytes may change them while they wait.
    this.#waiting.push(
      message.kind === "bytes" ? { ...message, bytes: message.bytes.slice() } : message,
    );
    this.#waitingBytes += message.size;
    if (!this.#reading) void this.#readBlobs();
  }

  /** Calls `step` once all that was added before has been delivered; at once if nothing waits. */
  whenDelivered(step: () => void): void {
    if (this.#reading) this.#afterwards = step;
    else step();
  }

  async #readBlobs(): Promise<void> {
    this.#reading = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        const message = next.kind === "blob" ? await readBlob(next) : next;
        this.#waitingBytes -= next.size;
        this.#deliver(message);
      }
    } catch (error) {
      this.#waiting.length = 0;
      this.#fail(error);
    }
    this.#reading = false;
    this.#afterwards?.();
    this.#afterwards = undefined;
  }
}

async function readBlob({ blob, ...rest }: Sendable & { kind: "blob" }): Promise<TextOrBytes> {
  return { ...rest, kind: "bytes", bytes: new Uint8Array(await blob.arrayBuffer()) };
}
