import { type Clock, OldestFirst } from "../../../base/index.ts";
import type { Catalog, Topic, TopicEvent } from "../../../topics/index.ts";
import {
  type ConnectionInfo,
  CONNECTIONS,
  LIFECYCLE,
  type LifecycleEvent,
  type TopicInfo,
} from "../../system-topics.ts";

/** How long the other servers wait for the one that has made a change, in milliseconds. */
const OWNER_MS = 3_000;

/** The most close codes that are remembered until their connections' ends are in the log. */
const MAX_CODES = 10_000;

interface LifecycleHost {
  readonly clock: Clock;
  /** The name of this server, new with each start. */
  readonly node: string;
}

/** An event of another server's change. */
interface Missing {
  readonly event: LifecycleEvent;
  /** When this server appends it if it is still missing, by its clock. */
  readonly dueAt: number;
}

/** An event without its id. */
type Change = LifecycleEvent extends infer Each
  ? Each extends LifecycleEvent
    ? Omit<Each, "id">
    : never
  : never;

/**
 * The log of connections that came and went, and of topics that got their first reader or lost their
 * last one.
 *
 * All servers see the same changes of `$connections` and `$topics` in the same order, including those
 * that leases make after a server was killed. The server that has made a change appends its event at
 * once; the others do so if it is still missing after a while. The idempotency key makes it one event.
 */
export class Lifecycle {
  readonly #host: LifecycleHost;
  /** Events of this server's own changes, in their order. */
  readonly #own = new OldestFirst<string, LifecycleEvent>();
  /** Events of other servers' changes, in their order. */
  readonly #others = new OldestFirst<string, Missing>();
  /** The close codes of connections that this server has closed. */
  readonly #codes = new OldestFirst<string, number>();
  #log: Topic | undefined;
  /** Whether it learns of the end of connections. */
  #isFollowing = false;
  /** One at a time, so that a connection never goes before it came. */
  #isAppending = false;

  constructor(host: LifecycleHost) {
    this.#host = host;
  }

  /** Does nothing unless `$lifecycle` is declared. */
  open(catalog: Catalog): void {
    this.#log = catalog.get(LIFECYCLE);
    if (this.#log === undefined) return;
    this.#log.listen(({ data }) => this.#others.delete((data as LifecycleEvent).id));
    const connections = catalog.get(CONNECTIONS);
    this.#isFollowing = connections !== undefined;
    connections?.listen((event, replaced) => this.#onConnection(connections, event, replaced));
  }

  /** A topic got its first reader, or lost its last one. */
  onReaders(
    topic: Topic,
    event: TopicEvent,
    { info, hasReaders }: { info: TopicInfo; hasReaders: boolean },
  ): void {
    if (this.#log === undefined) return;
    const type = hasReaders ? "first-reader" : "last-reader";
    this.#add(idOf(topic, event), { type, topic: info.topic }, info.nodeKey === this.#host.node);
  }

  /** This server closes a connection. */
  onClosing(connection: string, code: number): void {
    if (!this.#isFollowing) return;
    this.#codes.set(connection, code);
    // The end of a connection that was never announced is not in the log.
    if (this.#codes.size > MAX_CODES) this.#codes.delete(this.#codes.oldest![0]);
  }

  /** Appends what is missing; called at intervals. */
  appendMissing(): void {
    const now = this.#host.clock.now();
    for (let next = this.#others.oldest; next !== undefined; next = this.#others.oldest) {
      const [id, { event, dueAt }] = next;
      if (dueAt > now) break;
      this.#others.delete(id);
      this.#own.set(id, event);
    }
    if (!this.#isAppending) void this.#appendOwn();
  }

  #onConnection(topic: Topic, event: TopicEvent, replaced: TopicEvent | undefined): void {
    const before = infoIn(replaced);
    const now = infoIn(event);
    if ((before === undefined) === (now === undefined)) return;
    const { identity, node, nodeKey } = (now ?? before)!;
    const connection = event.key!;
    const who = { connection, node, ...(identity !== undefined && { identity }) };
    const isOwn = nodeKey === this.#host.node;
    if (now !== undefined) return this.#add(idOf(topic, event), { type: "came", ...who }, isOwn);
    const code = this.#codes.get(connection);
    this.#codes.delete(connection);
    const why = isOwn ? code !== undefined && { code } : { isLost: true as const };
    this.#add(idOf(topic, event), { type: "went", ...who, ...why }, isOwn);
  }

  #add(id: string, change: Change, isOwn: boolean): void {
    const event = { id, ...change } as LifecycleEvent;
    if (!isOwn) {
      this.#others.set(id, { event, dueAt: this.#host.clock.now() + OWNER_MS });
      return;
    }
    this.#own.set(id, event);
    if (!this.#isAppending) void this.#appendOwn();
  }

  async #appendOwn(): Promise<void> {
    this.#isAppending = true;
    try {
      for (let next = this.#own.oldest; next !== undefined; next = this.#own.oldest) {
        const [id, event] = next;
        await this.#log!.append({ data: event, idempotencyKey: id });
        this.#own.delete(id);
      }
    } catch {
      // The broker is away. It is tried again at the next interval.
    } finally {
      this.#isAppending = false;
    }
  }
}

function infoIn(event: TopicEvent | undefined): ConnectionInfo | undefined {
  return event === undefined || event.removed ? undefined : (event.data as ConnectionInfo);
}

/** Names a change, equally on all servers. */
function idOf({ name, position }: Topic, { offset }: TopicEvent): string {
  return `${name} ${position.epoch} ${offset}`;
}
