import { inPortions, type MemoryAccount } from "../../../base/index.ts";
import {
  type HeldKey,
  LiveError,
  type Offset,
  type Receipt,
  type Report,
  type Topic,
  type TopicEvent,
} from "../../../topics/index.ts";

/** How many leases are renewed with one request to the broker. */
const LEASES_AT_ONCE = 1_000;

/** How often to join an entry with others that replace each other meanwhile. */
const MOST_JOINS = 5;

/** The cost of renewing that many, in units of a slice. */
const RENEW_UNITS = 128 * 1_024;

interface Entry {
  readonly key: string;
  data: unknown;
  /** Whether it replaces what other servers have announced for its key. */
  readonly isNewest: boolean;
  readonly payer: MemoryAccount | undefined;
  /** The offset of its event; `undefined` until the broker has acknowledged it. */
  offset: Offset | undefined;
}

interface EntriesHost {
  /** How long entries outlive a server that stops renewing them, in milliseconds. */
  readonly leaseMs: number;
  readonly report: Report;
  /** Opens the topic, and pays for it. */
  topic(payer: MemoryAccount | undefined): Topic | Promise<Topic>;
  /** Returns the topic if it is open. */
  openTopic(): Topic | undefined;
  /**
   * Returns the data of an entry whose key another server has announced already. Default: its own.
   */
  joined?: ((own: unknown, other: unknown) => unknown) | undefined;
}

/**
 * Entries of this server in a keyed topic. They last as long as the server does: if it is killed,
 * their leases remove them.
 */
export class LeasedEntries {
  readonly #host: EntriesHost;
  readonly #entries = new Map<string, Entry>();

  constructor(host: EntriesHost) {
    this.#host = host;
  }

  /** Entries in a topic that stays open. */
  static in(topic: Topic, host: Pick<EntriesHost, "leaseMs" | "report">): LeasedEntries {
    return new LeasedEntries({ ...host, topic: () => topic, openTopic: () => topic });
  }

  /** The data of an entry, announced or about to be. */
  dataOf(key: string): unknown {
    return this.#entries.get(key)?.data;
  }

  /** @param payer pays for the event */
  set(key: string, data: unknown, payer?: MemoryAccount): void {
    void this.#announce(this.#add({ key, data, payer, isNewest: false, offset: undefined }));
  }

  /**
   * Replaces an entry, also for the servers that have the same key. Equal data is not announced.
   *
   * @throws LiveError as a rejection; it is tried again with the next renewal
   */
  async replace(key: string, data: unknown, payer?: MemoryAccount): Promise<Receipt> {
    const { data: present, offset } = this.#entries.get(key) ?? {};
    if (offset !== undefined && JSON.stringify(data) === JSON.stringify(present)) {
      return { offset, duplicate: true };
    }
    return this.#append(this.#add({ key, data, payer, isNewest: true, offset: undefined }));
  }

  /** Resolves when the entry is removed, or when the broker has failed to. */
  async remove(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    if (entry?.offset !== undefined) await this.#retract(entry, entry.offset);
  }

  /**
   * Announces an entry again if it was removed from the log: by another server that had the same key,
   * or by a lease that expired while the broker was unreachable.
   */
  onEvent(event: TopicEvent): void {
    const entry = this.#entries.get(event.key ?? "");
    if (entry?.offset === undefined || entry.offset >= event.offset) return;
    if (event.removed) void this.#announce(entry);
    else this.#follow(entry, event);
  }

  /** After the topic's log was reloaded: announces the entries again that it no longer has. */
  onStartedAgain(isKept: (key: string) => boolean): void {
    for (const entry of this.#entries.values()) {
      if (entry.offset === undefined || isKept(entry.key)) continue;
      entry.offset = undefined;
      void this.#announce(entry);
    }
  }

  /** The keys whose leases are renewed with one request each. */
  portions(): Iterable<readonly string[]> {
    return inPortions(this.#entries.keys(), LEASES_AT_ONCE, (key) => key);
  }

  /** Renews the leases of these keys, and announces those that the broker has not accepted before. */
  renew(keys: readonly string[]): void {
    const held: HeldKey[] = [];
    for (const key of keys) {
      const entry = this.#entries.get(key);
      if (entry?.offset !== undefined) held.push({ key, offset: entry.offset });
      else if (entry !== undefined) void this.#announce(entry);
    }
    const { leaseMs, report } = this.#host;
    if (held.length > 0) this.#host.openTopic()?.lease(held, leaseMs).catch(report);
  }

  #add(entry: Entry): Entry {
    this.#entries.set(entry.key, entry);
    return entry;
  }

  async #announce(entry: Entry): Promise<void> {
    try {
      await this.#append(entry);
    } catch (error) {
      this.#host.report(error);
    }
  }

  async #append(entry: Entry): Promise<Receipt> {
    const { key, payer, isNewest } = entry;
    const topic = await this.#host.topic(payer);
    const receipt = isNewest
      ? await topic.append({ key, data: entry.data, leaseMs: this.#host.leaseMs, ...paidBy(payer) })
      : await this.#join(entry, topic);
    entry.offset = receipt.offset;
    // It was removed before the broker acknowledged the event. A replacement comes after it.
    if (!this.#entries.has(key)) await this.#retract(entry, receipt.offset);
    // An event that arrived before the acknowledgement.
    const newest = topic.newest(key);
    if (newest !== undefined && newest.offset > receipt.offset) this.#follow(entry, newest);
    return receipt;
  }

  /** Appends an entry, joined with that of another server that has its key. */
  async #join(entry: Entry, topic: Topic): Promise<Receipt> {
    const { key } = entry;
    const { leaseMs, joined } = this.#host;
    if (joined === undefined) return topic.append({ key, data: entry.data, leaseMs });
    for (let attempt = 1; ; attempt += 1) {
      // The other server's event may not have arrived here.
      await topic.catchUp();
      const other = topic.newest(key);
      // There is nothing to join with a removal, which the broker may have forgotten already.
      if (other?.removed !== false) return topic.append({ key, data: entry.data, leaseMs });
      entry.data = joined(entry.data, other.data);
      try {
        return await topic.append({ key, data: entry.data, leaseMs, ifNewest: other.offset });
      } catch (error) {
        const isReplaced = error instanceof LiveError && error.code === "conflict";
        if (!isReplaced || attempt === MOST_JOINS) throw error;
      }
    }
  }

  /** Keeps what another server has announced for the same key, to announce it again. */
  #follow(entry: Entry, { data, removed }: TopicEvent): void {
    if (this.#host.joined !== undefined && !removed) entry.data = data;
  }

  async #retract({ key, payer }: Entry, ifNewest: Offset): Promise<void> {
    try {
      const topic = await this.#host.topic(payer);
      await topic.append({ key, removed: true, ifNewest });
    } catch {
      // Another server has the same key, or the broker is unreachable and the lease removes it.
    }
  }
}

/** An entry that a client has worded is charged to it. */
function paidBy(payer: MemoryAccount | undefined): { payer?: MemoryAccount } {
  return payer === undefined ? {} : { payer };
}

/** Renews the leases of all entries, in slices. */
export function renewLeases(all: Iterable<LeasedEntries>, { slices }: Pick<Topic, "slices">): void {
  slices.forEach("leases", portionsOf(all), {
    unitsOf: () => RENEW_UNITS,
    visit: ({ entries, keys }) => entries.renew(keys),
  });
}

function* portionsOf(
  all: Iterable<LeasedEntries>,
): Generator<{ entries: LeasedEntries; keys: readonly string[] }, void, undefined> {
  for (const entries of all) for (const keys of entries.portions()) yield { entries, keys };
}
