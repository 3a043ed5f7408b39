import type { Broker, BrokerTopic, TopicDeclaration, TopicEvent } from "../../../src/live/index.ts";

/** A broker that reports each removal of a key once, as its servers follow topics. */
export class RemovalWatch implements Broker {
  readonly #broker: Broker;
  readonly #onRemoved: (topic: string, key: string, offset: number) => void;
  /** The newest offset of each topic. A topic that is opened again repeats what it keeps. */
  readonly #seen = new Map<string, number>();

  constructor(broker: Broker, onRemoved: (topic: string, key: string, offset: number) => void) {
    this.#broker = broker;
    this.#onRemoved = onRemoved;
  }

  openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
    onLost?: () => void,
  ): Promise<BrokerTopic> {
    const { name } = declaration;
    const watched = (event: TopicEvent): void => {
      this.#onEvent(name, event);
      follow(event);
    };
    return this.#broker.openTopic(declaration, watched, onLost);
  }

  close(): Promise<void> {
    return this.#broker.close();
  }

  #onEvent(topic: string, { key = "", removed, offset }: TopicEvent): void {
    if (offset <= (this.#seen.get(topic) ?? 0)) return;
    this.#seen.set(topic, offset);
    if (removed) this.#onRemoved(topic, key, offset);
  }
}
