import type { Duplex } from "node:stream";
import { cutStream } from "../../stream/cut-stream.ts";
import type { Step } from "../failures.ts";

/**
 * One attempt to reach a server: its current step, and the streams it opened, each on top of the
 * previous one.
 */
export class Dial {
  step: Step;
  readonly #streams: Duplex[] = [];
  #hungUp = false;

  constructor(step: Step) {
    this.step = step;
  }

  get isHungUp(): boolean {
    return this.#hungUp;
  }

  /** Tracks a stream, and destroys it immediately if the dial was already hung up. */
  keep<Stream extends Duplex>(stream: Stream): Stream {
    // A destroyed stream may still emit an error, and so may an open one before its owner listens.
    // Neither may end the process.
    stream.on("error", ignore);
    this.#streams.push(stream);
    if (this.#hungUp) cutStream(stream);
    return stream;
  }

  /** Closes all streams that were opened. Pending reads on them fail. */
  hangUp(): void {
    this.#hungUp = true;
    for (const stream of this.#streams.toReversed()) cutStream(stream);
  }
}

function ignore(): void {}
