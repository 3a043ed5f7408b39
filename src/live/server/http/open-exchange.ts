import type { LiveExchange } from "../live-peer.ts";
import type { ConnectedClient, ClientInfo } from "../sessions/connected-client.ts";

interface Kind {
  readonly who: ClientInfo;
  /** Ends the answer, if it has not ended. */
  readonly end: () => void;
  readonly isStream?: boolean;
}

/** A stream of server-sent events or a long poll. All that can be done with it is to end it. */
export class OpenExchange implements ConnectedClient {
  readonly who: ClientInfo;
  readonly subscriptionCount = 1;
  readonly isStream: boolean;
  readonly #exchange: LiveExchange;
  readonly #topic: string;
  readonly #end: () => void;

  constructor(exchange: LiveExchange, topic: string, { who, end, isStream = false }: Kind) {
    this.#exchange = exchange;
    this.#topic = topic;
    this.who = who;
    this.isStream = isStream;
    this.#end = end;
  }

  get bufferedAmount(): number {
    return this.#exchange.bufferedAmount;
  }

  follows(topic: string): boolean {
    return topic === this.#topic;
  }

  /** The client asks again, and its credentials are checked again. */
  disconnect(): void {
    this.#end();
  }

  unsubscribe(topic: string): void {
    if (this.follows(topic)) this.#end();
  }

  recheck(): void {
    this.#end();
  }
}
