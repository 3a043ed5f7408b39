import type { DeflateRaw, InflateRaw } from "node:zlib";

type RunCallback = (error: Error | null, output: Buffer) => void;

const NOTHING = Buffer.alloc(0);

interface Job {
  pieces: readonly Uint8Array[];
  flush: number;
  callback: RunCallback;
}

/** Runs jobs one after the other through a zlib stream, and collects the output. */
export class ZlibStream {
  readonly #stream: DeflateRaw | InflateRaw;
  readonly #mostBytes: number;
  /** The running job. */
  #present: Job | undefined;
  readonly #waiting: Job[] = [];
  #output: Buffer[] = [];
  #outputBytes = 0;
  #hasEnded = false;

  /** @param mostBytes the maximum output of one job, in bytes; 0 for no limit */
  constructor(stream: DeflateRaw | InflateRaw, mostBytes = 0) {
    this.#stream = stream;
    this.#mostBytes = mostBytes;
    stream.on("data", (chunk: Buffer) => this.#collect(chunk));
    stream.on("end", () => (this.#hasEnded = true));
    stream.on("error", (error) => this.#settle(error));
  }

  /** Whether a final block was processed, so that the stream cannot be used any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  run(pieces: readonly Uint8Array[], flush: number, callback: RunCallback): void {
    const job = { pieces, flush, callback };
    if (this.#present === undefined && this.#waiting.length === 0) this.#begin(job);
    else this.#waiting.push(job);
  }

  /** Forgets the earlier messages. */
  reset(): void {
    this.#stream.reset();
  }

  /** Closes the stream; waiting jobs fail. */
  close(): void {
    this.#stream.close();
    const error = new Error("The deflate stream was closed while data was being processed");
    this.#settle(error);
    for (const { callback } of this.#waiting.splice(0)) callback(error, NOTHING);
  }

  #begin(job: Job): void {
    this.#present = job;
    for (const piece of job.pieces) this.#stream.write(piece);
    this.#stream.flush(job.flush, () => {
      // The job may have failed in the meantime.
      if (this.#present === job) this.#settle(null);
    });
  }

  #collect(chunk: Buffer): void {
    this.#outputBytes += chunk.length;
    if (this.#mostBytes > 0 && this.#outputBytes > this.#mostBytes) {
      const error = new RangeError("Max payload size exceeded");
      return this.#settle(Object.assign(error, { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" }));
    }
    this.#output.push(chunk);
  }

  #settle(error: Error | null): void {
    const job = this.#present;
    const output = error === null ? Buffer.concat(this.#output) : NOTHING;
    this.#present = undefined;
    this.#output = [];
    this.#outputBytes = 0;
    job?.callback(error, output);
    // The callback may have started the next job.
    const next = error === null && this.#present === undefined ? this.#waiting.shift() : undefined;
    if (next !== undefined) this.#begin(next);
  }
}
