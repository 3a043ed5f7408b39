import { Backoff, LongwireError, type Clock } from "../../base/index.ts";
import { LiveError } from "../../topics/index.ts";
import { Batch } from "./batch.ts";
import type { Store } from "./store.ts";

/** The most changes in one batch; the rest goes to the next one. */
const MAX_BATCH_CHANGES = 1_000;
const MAX_BATCH_CHARACTERS = 4 * 1024 * 1024;
/** The longest interval between attempts to reopen the store. */
const LONGEST_RETRY_MS = 5_000;

/** A requested change. Its outcome is decided when its batch is assembled. */
export interface Change {
  /**
   * Adds its writes to the batch, seeing those of earlier changes, and returns a function that
   * applies the change once it is written. Nothing may be reported that depends on an unwritten
   * batch.
   *
   * @throws Error if the change is impossible; `reject` then receives it
   */
  stage(batch: Batch): () => void;
  /** @param error a `LiveError` if nothing was done, or if repeating is harmless */
  reject(error: Error): void;
  /** Whether repeating is harmless. */
  readonly isRepeatable: boolean;
}

export interface WriterHost {
  store: Store;
  clock: Clock;
  onError(error: LongwireError): void;
  /** The store was replaced. */
  onLost(): void;
}

type State =
  | { kind: "idle" }
  | { kind: "writing" }
  /** The store is not writable. */
  | { kind: "away"; why: LongwireError }
  | { kind: "closed" };

/**
 * Writes changes in order, one batch at a time. A batch contains all changes of one turn, or all
 * that arrived while the previous batch was written.
 */
export class Writer {
  readonly #host: WriterHost;
  readonly #backoff = new Backoff({ firstMs: 200, longestMs: LONGEST_RETRY_MS });
  #queue: Change[] = [];
  #state: State = { kind: "idle" };
  #run: Promise<void> = Promise.resolve();
  /** Pending changes are still written, but no new ones are accepted. */
  #isClosing = false;

  constructor(host: WriterHost) {
    this.#host = host;
  }

  /** Why nothing can be written now; `undefined` if it can. */
  get trouble(): LiveError | undefined {
    if (this.#isClosing) return new LiveError("unavailable", "The broker is closed.");
    return this.#state.kind === "away" ? unavailable(this.#state.why) : undefined;
  }

  submit(change: Change): void {
    const { trouble } = this;
    if (trouble !== undefined) return change.reject(trouble);
    this.#queue.push(change);
    if (this.#state.kind === "idle") this.#start();
  }

  /** Writes pending changes and accepts no more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#run;
    this.#state = { kind: "closed" };
  }

  #start(): void {
    this.#state = { kind: "writing" };
    // Deferred, so that the other changes of this turn are included.
    this.#run = new Promise<void>((resolve) => {
      setImmediate(resolve);
    }).then(() => this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0 && this.#state.kind === "writing") await this.#writeSome();
    if (this.#state.kind === "writing") this.#state = { kind: "idle" };
  }

  async #writeSome(): Promise<void> {
    const { store } = this.#host;
    const batch = new Batch();
    const changes = this.#stageSome(batch);
    try {
      if (batch.operations.length > 0) await store.write(batch.operations);
    } catch (error) {
      return this.#onFailed(error as LongwireError, batch, changes);
    }
    this.#apply(batch);
  }

  #stageSome(batch: Batch): Change[] {
    let taken = 0;
    for (const change of this.#queue) {
      if (taken >= MAX_BATCH_CHANGES || batch.size >= MAX_BATCH_CHARACTERS) break;
      taken += 1;
      batch.effects.push(stage(change, batch));
    }
    return this.#queue.splice(0, taken);
  }

  #apply({ effects }: Batch): void {
    for (const effect of effects) {
      try {
        effect();
      } catch (cause) {
        // One follower's error must not keep the others from being notified.
        const message = `A follower of a topic threw an error (${String(cause)}).`;
        this.#host.onError(new LongwireError("follower_failed", message, { cause }));
      }
    }
  }

  /** Whether the batch was written is unknown until the store is reopened. */
  async #onFailed(why: LongwireError, batch: Batch, changes: readonly Change[]): Promise<void> {
    const host = this.#host;
    host.onError(why);
    const refused = unavailable(why);
    try {
      const isWritten = await this.#reopen(batch);
      if (!isWritten) for (const change of changes) change.reject(refused);
    } catch (error) {
      this.#state = { kind: "away", why };
      for (const change of changes) change.reject(change.isRepeatable ? refused : unknown(why));
      this.#rejectQueue(refused);
      host.onError(error as LongwireError);
      this.#retryLater(batch);
    }
  }

  /** Returns whether the batch was written; if it was, its effects are applied now. */
  async #reopen(batch: Batch): Promise<boolean> {
    const outcome = await this.#host.store.reopen();
    if (outcome === "written") this.#apply(batch);
    if (outcome === "lost") this.#host.onLost();
    return outcome === "written";
  }

  #retryLater(batch: Batch): void {
    this.#host.clock.after(this.#backoff.next(), () => {
      if (this.#state.kind === "away") this.#run = this.#retry(batch);
    });
  }

  async #retry(batch: Batch): Promise<void> {
    try {
      await this.#reopen(batch);
      this.#backoff.reset();
      this.#state = { kind: "idle" };
    } catch (error) {
      this.#host.onError(error as LongwireError);
      this.#retryLater(batch);
    }
  }

  #rejectQueue(error: LiveError): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const change of queue) change.reject(error);
  }
}

/** A refusal is reported only after the batch on which it depends is written. */
function stage(change: Change, batch: Batch): () => void {
  try {
    return change.stage(batch);
  } catch (error) {
    return () => change.reject(error as Error);
  }
}

function unavailable({ message }: LongwireError): LiveError {
  return new LiveError("unavailable", `Nothing can be written: ${message}`);
}

function unknown(cause: LongwireError): LongwireError {
  const message = `The event may or may not be stored: ${cause.message}`;
  return new LongwireError("unconfirmed", message, { cause });
}
