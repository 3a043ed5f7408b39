const seconds = 60;

export interface TrafficRates {
  /** In the last whole second. */
  readonly messagesPerSecond: number;
  readonly bytesPerSecond: number;
  readonly totalMessages: number;
  readonly totalBytes: number;
  /** One value per second, oldest first, for the last whole minute. */
  readonly messages: readonly number[];
  readonly bytes: readonly number[];
}

/** Counts messages and bytes per second, for the last minute. */
export class TrafficMeter {
  readonly #messages: number[] = zeros();
  readonly #bytes: number[] = zeros();
  #second = 0;
  #totalMessages = 0;
  #totalBytes = 0;

  count(bytes: number, nowMs: number): void {
    const slot = this.#advance(nowMs);
    this.#messages[slot] = (this.#messages[slot] ?? 0) + 1;
    this.#bytes[slot] = (this.#bytes[slot] ?? 0) + bytes;
    this.#totalMessages += 1;
    this.#totalBytes += bytes;
  }

  rates(nowMs: number): TrafficRates {
    this.#advance(nowMs);
    const messages = this.#wholeSeconds(this.#messages);
    const bytes = this.#wholeSeconds(this.#bytes);
    return {
      messagesPerSecond: messages.at(-1) ?? 0,
      bytesPerSecond: bytes.at(-1) ?? 0,
      totalMessages: this.#totalMessages,
      totalBytes: this.#totalBytes,
      messages,
      bytes,
    };
  }

  /** Clears the buckets of seconds without traffic, and returns the current one. */
  #advance(nowMs: number): number {
    const second = Math.max(this.#second, Math.floor(nowMs / 1_000));
    const steps = Math.min(second - this.#second, seconds + 1);
    for (let step = 0; step < steps; step += 1) {
      const slot = (second - step) % (seconds + 1);
      this.#messages[slot] = 0;
      this.#bytes[slot] = 0;
    }
    this.#second = second;
    return second % (seconds + 1);
  }

  #wholeSeconds(buckets: readonly number[]): number[] {
    const present = this.#second % (seconds + 1);
    return [...buckets.slice(present + 1), ...buckets.slice(0, present)];
  }
}

function zeros(): number[] {
  return Array.from({ length: seconds + 1 }, () => 0);
}
