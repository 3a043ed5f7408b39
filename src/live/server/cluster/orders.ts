import type { Clock } from "../../../base/index.ts";
import type { Ending, ConnectedClient } from "../sessions/connected-client.ts";
import { type ClusterLog, member } from "./cluster-log.ts";
import { type ConnectionFilter, matches } from "./connection-filter.ts";

/** An order to do something with connections. */
export type Order = { readonly filter: ConnectionFilter } & (
  | ({ readonly kind: "disconnect" } & Ending)
  | { readonly kind: "unsubscribe"; readonly topic: string }
  | { readonly kind: "recheck" }
);

/** The cost of looking at one connection, in units of a slice. */
const VISIT_UNITS = 32;

interface Visits {
  readonly unitsOf: () => number;
  readonly visit: (client: ConnectedClient) => void;
  readonly mustFinish: boolean;
}

export interface OrdersHost {
  readonly clock: Clock;
  /** The name of this server in filters. */
  readonly nodeName: string;
  readonly log: ClusterLog;
  readonly slices: {
    forEach(payer: string, items: Iterable<ConnectedClient>, visits: Visits): unknown;
  };
  /** The number of this server's clients. */
  readonly population: () => number;
  /** Returns a random delay, so that this many clients do not reconnect together. */
  readonly returnAfter: (clients: number) => number;
  /** All clients of this server. */
  readonly clients: () => Iterable<ConnectedClient>;
}

/** Carries out orders on the connections of this server, and passes them on to the others. */
export class Orders {
  readonly #host: OrdersHost;

  constructor(host: OrdersHost) {
    this.#host = host;
    host.log.on("order", (message, { node, ageMs }) => {
      const order = message.get("order")?.value as Order | undefined;
      // This server did it when it was given.
      if (order !== undefined && node !== host.log.node) this.execute(order, ageMs);
    });
  }

  /**
   * Carries out an order here at once, and then on all other servers.
   *
   * @throws LiveError `unavailable` as a rejection, if the others cannot be told
   */
  async give(order: Order): Promise<void> {
    this.execute(order, 0);
    await this.#host.log.send(undefined, "order", { order: member(order) });
  }

  /**
   * @param ageMs when it was given, in milliseconds ago; a client that connected later is not affected
   */
  execute(order: Order, ageMs: number): void {
    const { clock, nodeName, slices, clients, population, returnAfter } = this.#host;
    // Before the first of them has left.
    const count = population();
    const isForCrowd = order.kind === "disconnect" && order.retry && mayMeanMany(order.filter);
    const givenAt = clock.now() - ageMs;
    slices.forEach("orders", clients(), {
      unitsOf: () => VISIT_UNITS,
      visit: (each) => {
        if (each.who.openedAt > givenAt || !matches(order.filter, each, nodeName)) return;
        apply(isForCrowd ? { ...order, retryAfterMs: returnAfter(count) } : order, each);
      },
      mustFinish: true,
    });
  }
}

/** Whether a filter applies to any number of clients, and not to one party. */
function mayMeanMany({ connection, identity, tokenId }: ConnectionFilter): boolean {
  return (connection ?? identity ?? tokenId) === undefined;
}

function apply(order: Order, client: ConnectedClient): void {
  switch (order.kind) {
    case "disconnect":
      return client.disconnect(order);
    case "unsubscribe":
      return client.unsubscribe(order.topic);
    case "recheck":
      return client.recheck();
  }
}
