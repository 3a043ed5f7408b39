import type { Clock } from "../base/index.ts";

/** Data in transit: the bytes of a message, or the end of the connection. */
interface Parcel {
  readonly size: number;
  readonly arrive: () => void;
  /** How many of its bytes have been sent. */
  sent: number;
}

/** The latency and bandwidth of a network. */
export interface Carriage {
  /** The time that each byte is in transit, in milliseconds. */
  latencyMs: number;
  /** The bandwidth in bytes per second; 0 for a receiver that reads nothing. */
  bytesPerSecond: number;
}

/** The interval at which a wire of limited bandwidth sends. */
const STEP_MS = 20;

/** One direction of a connection: data arrives in order, later, or never. */
export class Wire {
  readonly #clock: Clock;
  readonly #carriage: () => Carriage;
  /** Called when nothing is buffered any more. */
  readonly #onDrained: () => void;
  readonly #waiting: Parcel[] = [];
  #bufferedBytes = 0;
  #lastArrival = 0;
  #isPumping = false;
  #isCut = false;

  constructor(clock: Clock, carriage: () => Carriage, onDrained: () => void) {
    this.#clock = clock;
    this.#carriage = carriage;
    this.#onDrained = onDrained;
  }

  /** The bytes that have not been sent. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** @param arrive called when all `size` bytes have arrived */
  put(size: number, arrive: () => void): void {
    this.#waiting.push({ size, arrive, sent: 0 });
    this.#bufferedBytes += size;
    this.#pumpLater(0);
  }

  /** Drops everything in transit, and sends nothing from now on. */
  cut(): void {
    this.#isCut = true;
  }

  #pumpLater(delayMs: number): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#clock.after(delayMs, () => {
      this.#isPumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    if (this.#isCut) return;
    const { bytesPerSecond } = this.#carriage();
    let room = (bytesPerSecond * STEP_MS) / 1_000;
    while (room > 0 || this.#waiting[0]?.size === 0) {
      const first = this.#waiting[0];
      if (first === undefined) break;
      const part = Math.min(room, first.size - first.sent);
      first.sent += part;
      room -= part;
      this.#bufferedBytes -= part;
      if (first.sent < first.size) break;
      this.#waiting.shift();
      this.#carry(first);
    }
    if (this.#waiting.length > 0) this.#pumpLater(STEP_MS);
    else this.#onDrained();
  }

  /** Nothing overtakes earlier data, even if the latency has become shorter. */
  #carry({ arrive }: Parcel): void {
    const at = Math.max(this.#clock.now() + this.#carriage().latencyMs, this.#lastArrival);
    this.#lastArrival = at;
    this.#clock.after(at - this.#clock.now(), () => {
      if (!this.#isCut) arrive();
    });
  }
}
