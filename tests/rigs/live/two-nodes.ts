import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import type {
  Broker,
  BrokerTopic,
  LiveServerOptions,
  TopicDeclaration,
  TopicEvent,
} from "../../../src/live/index.ts";
import { ServerBroker } from "../../../src/testing/server-broker.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { MemoryLive, type Guest } from "./memory-live.ts";

/** A broker as one of two nodes sees it. */
export class NodeBroker implements Broker {
  isAway = false;
  readonly #broker: Broker;
  readonly #clock: VirtualClock;
  readonly #delayMs: number;
  #refusal: Error | undefined;
  readonly #refused = new Map<string, Error>();

  constructor(broker: Broker, clock: VirtualClock, delayMs: number) {
    this.#broker = new ServerBroker(broker);
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** Refuses what is appended from now on. */
  refuse(error: Error | undefined): void {
    this.#refusal = error;
  }

  /** Refuses what is appended to one topic, until it accepts again. */
  refuseOnly(topic: string, error: Error): { accept: () => void } {
    this.#refused.set(topic, error);
    return { accept: () => void this.#refused.delete(topic) };
  }

  async openTopic(
    declaration: TopicDeclaration,
    follow: (event: TopicEvent) => void,
    onLost?: () => void,
  ): Promise<BrokerTopic> {
    let isOpen = false;
    const late = (event: TopicEvent): void => {
      if (!isOpen || this.#delayMs === 0) follow(event);
      else this.#clock.after(this.#delayMs, () => follow(event));
    };
    const opened = await this.#broker.openTopic(declaration, late, onLost);
    isOpen = true;
    return {
      ...opened,
      now: () => this.#clock.now(),
      append: (draft) => {
        const refusal = this.#refusal ?? this.#refused.get(declaration.name);
        if (refusal !== undefined) return Promise.reject(refusal);
        return opened.append(draft);
      },
    };
  }

  close(): Promise<void> {
    return this.#broker.close();
  }
}

export interface Node extends MemoryLive {
  readonly broker: NodeBroker;
  /** Starts one more server with the same broker. */
  another(): Promise<Node>;
}

/**
 * Two live servers with one broker and one clock. Clients authenticate with `?as=ID`, and with
 * `?as=ID&token=NAME`.
 *
 * @param delayMs how late the second one learns of events, in milliseconds
 */
export async function twoNodes({
  delayMs = 0,
  ...options
}: Partial<LiveServerOptions> & Pick<LiveServerOptions, "topics"> & { delayMs?: number }): Promise<
  [Node, Node]
> {
  const clock = new VirtualClock();
  const shared = new MemoryBroker({ clock });
  const open = async (nodeName: string, lateMs: number): Promise<Node> => {
    const broker = new NodeBroker(shared, clock, lateMs);
    const node = await MemoryLive.open(
      {
        authenticate: ({ token, query }) =>
          token === undefined ? undefined : { id: token, ...tokenIdIn(query) },
        tokenQuery: "as",
        ...options,
        nodeName,
        broker,
      },
      clock,
    );
    return Object.assign(node, { broker, another: () => open("another", 0) });
  };
  return [await open("a", 0), await open("b", delayMs)];
}

/** A connection of that identity, whose welcome is taken. */
export async function entering(node: MemoryLive, id: string, tokenId?: string): Promise<Guest> {
  const token = tokenId === undefined ? "" : `&token=${tokenId}`;
  const guest = await node.level1({ search: `?as=${id}${token}` });
  guest.take();
  return guest;
}

function tokenIdIn(query: URLSearchParams): { tokenId?: string } {
  const tokenId = query.get("token");
  return tokenId === null ? {} : { tokenId };
}
