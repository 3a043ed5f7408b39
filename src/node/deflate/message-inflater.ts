import type { InflateRaw } from "node:zlib";
import type { InflateSink, Inflater } from "../../protocol/index.ts";
import { runLater, type LaterRun } from "./run-later.ts";
import type { SyncZlib } from "./sync-zlib.ts";
import type { ContextPool, InflateContext } from "./zlib-context.ts";

/** What every message's end was without. (RFC 7692 §7.2.2) */
const TAIL: Uint8Array = new Uint8Array([0x00, 0x00, 0xff, 0xff]);
const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * How much of a message is read and inflated at once, in bytes: half a millisecond's to two
 * milliseconds' work. What is longer goes on in the thread pool.
 */
const AT_ONCE_BYTES = 256 * 1024;

/**
 * How many final blocks one message may have. Each ends the DEFLATE data and starts it anew
 * (RFC 7692 §7.2.3.4), which costs more than the two bytes that it takes to say so.
 */
const MAX_FINAL_BLOCKS = 1024;

/** Output that one message at a time borrows, so that a short message allocates nothing. */
let spare: Uint8Array | undefined;

/** Where a run stopped: in `source` at `at`, and then in the tail at `tailAt`. */
interface Rest {
  at: number;
  tailAt: number;
}

type Outcome = { kind: "done" } | { kind: "failed" } | ({ kind: "more" } & Rest);

/** Inflates one connection's messages: on a context of its own, or on whichever is free. */
export class MessageInflater implements Inflater {
  readonly #pool: ContextPool<InflateRaw>;
  readonly #keepsContext: boolean;
  #context: InflateContext | undefined;
  #later: LaterRun | undefined;
  #isClosed = false;
  #finalBlocks = 0;
  #used = 0;

  constructor(pool: ContextPool<InflateRaw>, keepsContext: boolean) {
    this.#pool = pool;
    this.#keepsContext = keepsContext;
  }

  inflate(
    payload: { source: Uint8Array; start: number; end: number; lent: boolean },
    sink: InflateSink,
  ): "done" | "later" {
    const { source, start, end, lent } = payload;
    this.#finalBlocks = 0;
    const context = (this.#context ??= this.#pool.take());
    if (context.sync === undefined) {
      return this.#goOnLater(
        [lent ? source.slice(start, end) : source.subarray(start, end), TAIL],
        sink,
      );
    }
    const output = spare ?? Buffer.allocUnsafeSlow(AT_ONCE_BYTES);
    spare = undefined;
    const outcome = this.#inflateNow(context.sync, { source, start, end }, output);
    const progress = this.#settle(outcome, { payload, output }, sink);
    spare = output;
    return progress;
  }

  /** Lets go of the context; nothing goes to the sink any more. */
  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  #settle(
    outcome: Outcome,
    { payload, output }: { payload: Parameters<Inflater["inflate"]>[0]; output: Uint8Array },
    sink: InflateSink,
  ): "done" | "later" {
    if (outcome.kind === "more") {
      if (!sink.onInflated(output, 0, this.#used, false)) return this.#stop();
      const { source, end, lent } = payload;
      const rest = source.subarray(outcome.at, end);
      return this.#goOnLater(
        [lent ? new Uint8Array(rest) : rest, TAIL.subarray(outcome.tailAt)],
        sink,
      );
    }
    this.#release(outcome.kind === "failed");
    if (outcome.kind === "failed") sink.onInflateFailed();
    else sink.onInflated(output, 0, this.#used, true);
    return "done";
  }

  #inflateNow(
    zlib: SyncZlib<InflateRaw>,
    { source, start, end }: { source: Uint8Array; start: number; end: number },
    output: Uint8Array,
  ): Outcome {
    this.#used = 0;
    const most = Math.min(end, start + AT_ONCE_BYTES);
    const at = this.#feed(zlib, { input: source, start, end: most }, output);
    if (at < 0) return { kind: "failed" };
    if (at < end || this.#used === output.length) return { kind: "more", at, tailAt: 0 };
    const tailAt = this.#feed(zlib, { input: TAIL, start: 0, end: TAIL.length }, output);
    if (tailAt < 0) return { kind: "failed" };
    return this.#used === output.length ? { kind: "more", at, tailAt } : { kind: "done" };
  }

  /** Returns how far the input was read, or −1 if it is no DEFLATE data. */
  #feed(
    zlib: SyncZlib<InflateRaw>,
    { input, start, end }: { input: Uint8Array; start: number; end: number },
    output: Uint8Array,
  ): number {
    let at = start;
    for (;;) {
      const progress = zlib.run(input, at, end, output, this.#used);
      if (progress.failed) return -1;
      at = end - progress.unreadBytes;
      this.#used = output.length - progress.unusedBytes;
      if (at === end || progress.unusedBytes === 0) return at;
      // Room and input left: the data has ended with a final block, and what follows is new data.
      if (!this.#mayEnd()) return -1;
      zlib.reset();
    }
  }

  #mayEnd(): boolean {
    this.#finalBlocks += 1;
    return this.#finalBlocks <= MAX_FINAL_BLOCKS;
  }

  #goOnLater(inputs: readonly Uint8Array[], sink: InflateSink): "later" {
    const { stream } = this.#context!;
    this.#later = runLater(stream, inputs, {
      onPiece: (piece) => {
        if (!sink.onInflated(piece, 0, piece.length, false)) this.#stop();
      },
      onDone: () => {
        this.#later = undefined;
        this.#release(false);
        sink.onInflated(NOTHING, 0, 0, true);
      },
      onEnded: (readBytes) => {
        // A stream that has ended cannot be used again.
        this.#replace();
        const rest = Buffer.concat(inputs).subarray(readBytes);
        if (this.#mayEnd()) return void this.#goOnLater([rest], sink);
        this.#stop();
        sink.onInflateFailed();
      },
      onFailed: () => {
        this.#stop();
        sink.onInflateFailed();
      },
    });
    return "later";
  }

  #replace(): void {
    this.#context?.stream.destroy();
    this.#context = this.#isClosed ? undefined : this.#pool.take();
  }

  /** Gives the context up in the middle of a message. */
  #stop(): "done" {
    this.#later?.abandon();
    this.#later = undefined;
    this.#context?.stream.destroy();
    this.#context = undefined;
    return "done";
  }

  /** Ends a message. */
  #release(failed: boolean): void {
    const context = this.#context;
    if (context === undefined || (this.#keepsContext && !failed)) {
      if (this.#finalBlocks > 0) context?.sync?.reset();
      return;
    }
    this.#context = undefined;
    if (failed) context.stream.destroy();
    else this.#pool.give(context);
  }
}
