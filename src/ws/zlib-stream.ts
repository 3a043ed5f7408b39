import type { DeflateRaw, InflateRaw } from "node:zlib";

type RunCallback = (error: Error | null, output: Buffer) => void;

const NOTHING = Buffer.alloc(0);

interface Job {
  pieces: readonly Uint8Array[];
  flush: number;
  callback: RunCallback;
}

/** Runs one piece of work after the other through a stream of zlib's, and collects what comes out. */
export class ZlibStream {
  readonly #stream: DeflateRaw | InflateRaw;
  readonly #mostBytes: number;
  readonly #jobs: Job[] = [];
  #output: Buffer[] = [];
  #outputBytes = 0;
  #hasEnded = false;

  /** @param mostBytes what one run may give, 0 for any length */
  constructor(stream: DeflateRaw | InflateRaw, mostBytes = 0) {
    this.#stream = stream;
    this.#mostBytes = mostBytes;
    stream.on("data", (chunk: Buffer) => this.#collect(chunk));
    stream.on("end", () => (this.#hasEnded = true));
    stream.on("error", (error) => this.#settle(error));
  }

  /** Whether a block marked as final came: the stream is of no use any more. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  run(pieces: readonly Uint8Array[], flush: number, callback: RunCallback): void {
    this.#jobs.push({ pieces, flush, callback });
    if (this.#jobs.length === 1) this.#begin();
  }

  /** Forgets what came before. */
  reset(): void {
    this.#stream.reset();
  }

  /** Who waits hears that there will be nothing. */
  close(): void {
    this.#stream.close();
    const error = new Error("The deflate stream was closed while data was being processed");
    while (this.#jobs.length > 0) this.#settle(error);
  }

  #begin(): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    for (const piece of job.pieces) this.#stream.write(piece);
    this.#stream.flush(job.flush, () => {
      // It may have failed by then.
      if (this.#jobs[0] === job) this.#settle(null);
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
    const job = this.#jobs.shift();
    const output = error === null ? Buffer.concat(this.#output) : NOTHING;
    this.#output = [];
    this.#outputBytes = 0;
    job?.callback(error, output);
    if (error === null) this.#begin();
  }
}
