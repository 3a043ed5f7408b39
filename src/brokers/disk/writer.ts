import { Backoff, LongwireError, type Clock } from "../../base/index.ts";
import { LiveError } from "../../topics/index.ts";
import { Batch } from "./batch.ts";
import type { Store } from "./store.ts";

/** What one batch has at most; the rest is for the next. */
const MAX_BATCH_CHANGES = 1_000;
const MAX_BATCH_CHARACTERS = 4 * 1024 * 1024;
/** The longest time between two attempts to open the store again. */
const LONGEST_RETRY_MS = 5_000;

/** Something that was asked for. What it comes to is decided when its turn comes. */
export interface Change {
  /**
   * Adds to the batch what is to be written, seeing what those before it added, and returns what
   * is so when it is written. Nothing that is told may depend on the batch before.
   *
   * @throws Error if it cannot be done, which it is then rejected with
   */
  stage(batch: Batch): () => void;
  /** @param error a `LiveError` if nothing was done, or if it can be repeated with no harm */
  reject(error: Error): void;
  /** Whether it can be repeated with no harm. */
  readonly isRepeatable: boolean;
}

export interface WriterHost {
  store: Store;
  clock: Clock;
  onError(error: LongwireError): void;
  /** What the store has is not what it had. */
  onLost(): void;
}

type State =
  | { kind: "idle" }
  | { kind: "writing" }
  /** The store cannot be written to. */
  | { kind: "away"; why: LongwireError }
  | { kind: "closed" };

/**
 * Writes what is asked for, in the order asked for: one batch at a time, and in each all that came
 * in one turn or while the one before was written.
 */
export class Writer {
  readonly #host: WriterHost;
  readonly #backoff = new Backoff({ firstMs: 200, longestMs: LONGEST_RETRY_MS });
  #queue: Change[] = [];
  #state: State = { kind: "idle" };
  #run: Promise<void> = Promise.resolve();
  /** What was asked for is still written, and nothing more taken. */
  #isClosing = false;

  constructor(host: WriterHost) {
    this.#host = host;
  }

  /** Why nothing can be written now, if so. */
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

  /** Writes what was asked for, and takes nothing more. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#run;
    this.#state = { kind: "closed" };
  }

  #start(): void {
    this.#state = { kind: "writing" };
    // Not at once: what else this turn asks for is to come along.
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
        // What one follower throws is no reason for others to be told less.
        const message = `A follower of a topic has thrown (${String(cause)}).`;
        this.#host.onError(new LongwireError("follower_failed", message, { cause }));
      }
    }
  }

  /** Whether the batch was written is not known before the store is open again. */
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

  /** Returns whether the batch was written. What it says is told then, if late. */
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

/** A refusal, too, is told only when what it rests on is written. */
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
  const message = `It is not known whether it was written: ${cause.message}`;
  return new LongwireError("unconfirmed", message, { cause });
}
