import type { Sendable, TextOrBytes } from "../standard/arguments/sendable.ts";

/**
 * Keeps messages in the order of the `send` calls.
 *
 * Reading a Blob takes time, and messages sent after it wait. Without a Blob, nothing is queued.
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

  /**
   * Payload bytes of Blobs that are not read yet, of the messages that wait for them, and of
   * messages that were not sent because a Blob failed.
   */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  add(message: Sendable): void {
    if (!this.#reading && message.kind !== "blob") return this.#deliver(message);
    // Copied, because the caller may change the bytes while they wait.
    this.#waiting.push(
      message.kind === "bytes" ? { ...message, bytes: message.bytes.slice() } : message,
    );
    this.#waitingBytes += message.size;
    if (!this.#reading) void this.#readBlobs();
  }

  /**
   * Calls `step` once all messages added so far have been delivered; immediately if nothing waits.
   */
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
