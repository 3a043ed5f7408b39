import {
  type Catalog,
  keyedTopic,
  type Offset,
  type Report,
  type Topic,
  type TopicEvent,
} from "../../../topics/index.ts";
import type { Caller } from "../sessions/caller.ts";
import { LeasedEntries } from "../keys/leased-entries.ts";

/** A connection in the cluster that offers methods. */
export interface Offering {
  /** The node that it is connected to. */
  readonly node: string;
  readonly connection: string;
}

/** A connection's entry in the log. */
interface OfferRecord {
  readonly node: string;
  readonly identity: string | undefined;
  readonly methods: readonly string[];
}

interface Entry extends OfferRecord {
  /** The higher, the later it was offered. */
  readonly offset: Offset;
}

const OFFERS = keyedTopic("$offers", {
  maxKeys: Infinity,
  retention: { maxAgeMs: 60_000 },
  keyLifetime: "connection",
});

interface DirectoryHost {
  readonly node: string;
  readonly leaseMs: number;
  readonly report: Report;
}

/** Which connections of the cluster offer which methods, and on which nodes they are. */
export class OfferDirectory {
  readonly #node: string;
  readonly #entries: LeasedEntries;
  readonly #byConnection = new Map<string, Entry>();
  readonly #byIdentity = new Map<string, Map<string, Entry>>();
  #topic: Topic | undefined;

  constructor({ node, leaseMs, report }: DirectoryHost) {
    this.#node = node;
    this.#entries = new LeasedEntries({
      leaseMs,
      report,
      topic: () => this.#topic!,
      openTopic: () => this.#topic,
    });
  }

  /** This server's part of it. */
  get entries(): LeasedEntries {
    return this.#entries;
  }

  async open(catalog: Catalog): Promise<void> {
    const topic = await catalog.openPrivate(OFFERS, (_topic, isKept) => {
      this.#readAll();
      this.#entries.onStartedAgain(isKept);
    });
    this.#topic = topic;
    this.#readAll();
    topic.listen((event) => {
      this.#take(event);
      this.#entries.onEvent(event);
    });
  }

  /**
   * Announces the offers of a connection of this server, also if it has withdrawn them all, because it
   * may be at work on a command. `undefined` when it has ended.
   */
  set({ connection, identity, account }: Caller, methods: readonly string[] | undefined): void {
    if (methods === undefined) void this.#entries.remove(connection);
    else
      this.#entries.set(
        connection,
        { node: this.#node, identity: identity?.id, methods },
        account.payer,
      );
  }

  /** Returns the connection of an identity that offered the method last. */
  ofIdentity(identity: string, method: string): Offering | undefined {
    let last: (Offering & Entry) | undefined;
    for (const [connection, entry] of this.#byIdentity.get(identity) ?? []) {
      if (!entry.methods.includes(method)) continue;
      if (last === undefined || last.offset < entry.offset) last = { ...entry, connection };
    }
    return last;
  }

  ofConnection(connection: string, method: string): Offering | undefined {
    const entry = this.#byConnection.get(connection);
    return entry?.methods.includes(method) === true ? { ...entry, connection } : undefined;
  }

  /** Whether the log has what a connection offers. */
  has(connection: string): boolean {
    return this.#byConnection.has(connection);
  }

  /** Whether it is a connection of this server. */
  isOwn({ node }: Offering): boolean {
    return node === this.#node;
  }

  /** Returns the other nodes with connections that offer the method. */
  othersOffering(method: string): Set<string> {
    const nodes = new Set<string>();
    for (const { node, methods } of this.#byConnection.values()) {
      if (node !== this.#node && !nodes.has(node) && methods.includes(method)) nodes.add(node);
    }
    return nodes;
  }

  #readAll(): void {
    this.#byConnection.clear();
    this.#byIdentity.clear();
    for (const event of this.#topic?.events() ?? []) this.#take(event);
  }

  #take({ key = "", removed, data, offset }: TopicEvent): void {
    const known = this.#byConnection.get(key);
    if (known?.identity !== undefined) this.#leave(known.identity, key);
    this.#byConnection.delete(key);
    if (removed) return;
    const entry = { ...(data as OfferRecord), offset };
    this.#byConnection.set(key, entry);
    const { identity } = entry;
    if (identity === undefined) return;
    const connections = this.#byIdentity.get(identity) ?? new Map<string, Entry>();
    this.#byIdentity.set(identity, connections);
    connections.set(key, entry);
  }

  #leave(identity: string, connection: string): void {
    const connections = this.#byIdentity.get(identity);
    connections?.delete(connection);
    if (connections?.size === 0) this.#byIdentity.delete(identity);
  }
}
