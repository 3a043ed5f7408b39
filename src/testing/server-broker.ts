import {
  LiveError,
  type Broker,
  type BrokerTopic,
  type TopicDeclaration,
  type TopicEvent,
} from "../live/index.ts";

/**
 * A broker as seen by one server, which it outlives: after `close`, the server receives nothing and
 * can do nothing, as if its process had ended.
 */
export class ServerBroker implements Broker {
  readonly #broker: Broker;
  #isClosed = false;

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
    onLost?: () => void,
  ): Promise<BrokerTopic> {
    const opened = await this.#broker.openTopic(
      declaration,
      (event) => {
        if (!this.#isClosed) follow(event);
      },
      () => {
        if (!this.#isClosed) onLost?.();
      },
    );
    return {
      ...opened,
      append: (draft) => this.#unlessClosed(() => opened.append(draft)),
      lease: (held, leaseMs) => this.#unlessClosed(() => opened.lease(held, leaseMs)),
    };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return Promise.resolve();
  }

  #unlessClosed<Result>(act: () => Promise<Result>): Promise<Result> {
    if (!this.#isClosed) return act();
    const message = "This server has ended; use the server that replaced it.";
    return Promise.reject(new LiveError("unavailable", message));
  }
}
