import {
  formatPosition,
  type Offset,
  type SendBuffer,
  type Report,
  Subscription,
  type Topic,
  type View,
  type Walk,
} from "../../../topics/index.ts";
import { STREAM_RETURN_MS } from "../limits.ts";
import { eventStreamEncoding } from "../sessions/encodings.ts";
import type { LiveExchange } from "../live-peer.ts";

const encoder = new TextEncoder();

const STREAM_HEADERS = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Cache-Control": "no-store",
  // Buffering proxies would deliver the events in bursts.
  "X-Accel-Buffering": "no",
};

/**
 * Begins a stream and ends it immediately. An EventSource that receives an error status never
 * reconnects; one whose stream ends does.
 */
export function endAtOnce(exchange: LiveExchange, retryMs: number): void {
  exchange.beginStream(STREAM_HEADERS);
  exchange.write(retryText(retryMs));
  exchange.end();
}

/** The reconnect delay. (HTML, section 9.2.6) */
function retryText(ms: number): Uint8Array {
  return encoder.encode(`retry: ${Math.round(ms)}\n\n`);
}

/** One client of server-sent events. */
export class EventStream implements SendBuffer {
  readonly #exchange: LiveExchange;
  readonly #topic: Topic;
  readonly #report: Report;
  readonly #subscription: Subscription;
  #quietTicks = 0;

  constructor(
    exchange: LiveExchange,
    source: { topic: Topic; view: View; walk: Walk },
    report: Report,
  ) {
    this.#exchange = exchange;
    this.#topic = source.topic;
    this.#report = report;
    const { payer = exchange.account } = exchange.account;
    this.#subscription = new Subscription(
      { ...source, encoding: eventStreamEncoding, payer },
      this,
      {
        onLost: (from, to) => {
          if (this.#topic.kind === "log") this.sendGap(from, to, "slow");
          return "go-on";
        },
        // The client reconnects automatically and sends its last position.
        onEnded: () => exchange.end(),
      },
    );
    exchange.beginStream(STREAM_HEADERS);
    exchange.write(retryText(STREAM_RETURN_MS));
    exchange.onDrain(() => this.pump());
  }

  get bufferedAmount(): number {
    return this.#exchange.bufferedAmount;
  }

  write(bytes: Uint8Array): void {
    this.#quietTicks = 0;
    this.#exchange.write(bytes);
  }

  /** A no-op, because the exchange always reports when it has drained. */
  watchDrain(): void {}

  fail(cause: unknown): void {
    this.#report(cause);
    this.#exchange.end();
  }

  pump(): void {
    this.#subscription.pump();
  }

  sendGap(from: Offset, to: Offset, reason: string): void {
    const { epoch } = this.#topic.position;
    const gap = { type: "gap", topic: this.#topic.name, epoch, from, to, reason };
    this.write(encoder.encode(`data: ${JSON.stringify(gap)}\n\n`));
  }

  /**
   * Sends the client's position. Its `id` is where the client resumes if the stream breaks before
   * an event matches.
   */
  sendPosition(offset: Offset): void {
    const { name: topic, position } = this.#topic;
    const { epoch } = position;
    const text = JSON.stringify({ type: "position", topic, epoch, offset });
    this.write(encoder.encode(`id: ${formatPosition({ epoch, offset })}\ndata: ${text}\n\n`));
  }

  /** A regular comment keeps proxies from closing the stream as idle. */
  beat(): void {
    this.#quietTicks += 1;
    const offset = this.#subscription.takeUntold();
    if (offset !== undefined) this.sendPosition(offset);
    else if (this.#quietTicks > 1) this.write(encoder.encode(":\n\n"));
  }

  close(): void {
    this.#subscription.end();
  }
}
