import { type Clock, wallTimeOf } from "../../../base/index.ts";
import type { Catalog, Report, Topic, TopicEvent } from "../../../topics/index.ts";
import { type ConnectionInfo, CONNECTIONS, type NodeInfo, NODES } from "../../system-topics.ts";
import { LeasedEntries } from "../keys/leased-entries.ts";
import type { ConnectedClient } from "../sessions/connected-client.ts";

interface RosterHost {
  readonly clock: Clock;
  readonly leaseMs: number;
  readonly report: Report;
  /** The name of this server, which its operator chose. */
  readonly nodeName: string;
  /** The name of this server, new with each start. */
  readonly node: string;
}

/** The entries of this server and its connections in `$nodes` and `$connections`. */
export class Roster {
  readonly #host: RosterHost;
  readonly #startedAt: number;
  /** `undefined` if the topic is not declared. */
  #connections: LeasedEntries | undefined;
  #nodes: LeasedEntries | undefined;
  #announced = "";

  constructor(host: RosterHost) {
    this.#host = host;
    this.#startedAt = Math.floor(wallTimeOf(host.clock));
  }

  open(catalog: Catalog): void {
    this.#connections = this.#entriesIn(catalog, CONNECTIONS);
    this.#nodes = this.#entriesIn(catalog, NODES);
  }

  /** All entries, to renew their leases. */
  get entries(): LeasedEntries[] {
    return [this.#connections, this.#nodes].filter((entries) => entries !== undefined);
  }

  /** Announces an accepted connection, or updates its entry. */
  announce(client: ConnectedClient): void {
    const { caller } = client.who;
    if (this.#connections === undefined || caller === undefined) return;
    const info = infoOf(client, this.#host);
    if (isUnchanged(this.#connections.dataOf(caller.connection), info)) return;
    this.#connections.set(caller.connection, info, caller.account.payer);
  }

  /** A connection has ended. */
  remove({ who }: Pick<ConnectedClient, "who">): void {
    if (who.caller !== undefined) void this.#connections?.remove(who.caller.connection);
  }

  /** Announces how many connections this server has. */
  announceNode(counts: Pick<NodeInfo, "connections" | "lagMs">): void {
    if (this.#nodes === undefined) return;
    const { nodeName: name, node } = this.#host;
    const info: NodeInfo = { name, since: this.#startedAt, ...counts };
    const announced = JSON.stringify(info);
    if (announced === this.#announced) return;
    this.#announced = announced;
    this.#nodes.set(node, info);
  }

  /** Removes the entry of this server. */
  async close(): Promise<void> {
    await this.#nodes?.remove(this.#host.node);
  }

  onEvent({ name }: Topic, event: TopicEvent): void {
    this.#of(name)?.onEvent(event);
  }

  onStartedAgain({ name }: Topic, isKept: (key: string) => boolean): void {
    this.#of(name)?.onStartedAgain(isKept);
  }

  #of(name: string): LeasedEntries | undefined {
    if (name === CONNECTIONS) return this.#connections;
    return name === NODES ? this.#nodes : undefined;
  }

  #entriesIn(catalog: Catalog, name: string): LeasedEntries | undefined {
    const topic = catalog.get(name);
    return topic && LeasedEntries.in(topic, this.#host);
  }
}

function infoOf(
  client: ConnectedClient,
  { nodeName, node }: Pick<RosterHost, "nodeName" | "node">,
): ConnectionInfo {
  const { caller, address, level, since } = client.who;
  const { identity } = caller ?? {};
  return {
    ...(identity !== undefined && { identity: identity.id }),
    node: nodeName,
    nodeKey: node,
    since,
    ...(address !== undefined && { address }),
    level,
    subscriptions: client.subscriptionCount,
    unreadBytes: roughly(client.bufferedAmount),
  };
}

/** A power of two, so that the entry of a slow reader does not change with each byte. */
function roughly(bytes: number): number {
  return bytes < 1_024 ? 0 : 2 ** Math.floor(Math.log2(bytes));
}

/** Whether nothing has changed that can change. */
function isUnchanged(present: unknown, info: ConnectionInfo): boolean {
  const { subscriptions, unreadBytes } = (present ?? {}) as Partial<ConnectionInfo>;
  return subscriptions === info.subscriptions && unreadBytes === info.unreadBytes;
}
