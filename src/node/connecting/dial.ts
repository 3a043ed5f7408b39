import type { Duplex } from "node:stream";
import { cutStream } from "../stream/cut-stream.ts";
import type { Step } from "./failures.ts";

/** One try to reach a server: where it stands, and the streams it opened, each on the one before. */
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

  /** Takes charge of a stream, which is destroyed at once if the dial was hung up meanwhile. */
  keep<Stream extends Duplex>(stream: Stream): Stream {
    // A destroyed stream may still report an error, and so may an open one before its owner
    // listens; neither may end the process.
    stream.on("error", ignore);
    this.#streams.push(stream);
    if (this.#hungUp) cutStream(stream);
    return stream;
  }

  /** Ends everything that was opened; whoever awaits something of it hears that it ended. */
  hangUp(): void {
    this.#hungUp = true;
    for (const stream of this.#streams.toReversed()) cutStream(stream);
  }
}

function ignore(): void {}
