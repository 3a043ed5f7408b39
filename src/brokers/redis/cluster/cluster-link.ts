import { systemClock, type Clock, type LongwireError } from "../../../base/index.ts";
import { LiveError } from "../../../topics/index.ts";
import type { Link, LinkHandler, Reply } from "../link/link.ts";
import { connectable, destroy, unreachable } from "../link/redis-client.ts";
import { isClusterDown, redirectionOf, type Redirection } from "./redirection.ts";
import { serverName, type RedisBrokerOptions } from "../redis-options.ts";
import { urlAt } from "../link/redis-url.ts";
import type { ScriptName } from "../topic/scripts.ts";
import { Shard } from "./shard.ts";
import { SlotQueue } from "./slot-queue.ts";
import { addressOf, hostOf, slotMapOf, slotOf, type SlotMap, type SlotRanges } from "./slots.ts";

/** A subscribed channel; its shard is undefined while unknown. */
interface Subscription {
  readonly slot: number;
  shard: Shard | undefined;
}

/** The delay before a migrating slot is retried, and before the slot map is read again. */
const PAUSE_MS = 25;
const SLOTS_COMMAND = ["CLUSTER", "SLOTS"];

/**
 * Connects to all shards of a Redis Cluster; each connection is lost and restored independently.
 */
export class ClusterLink implements Link {
  readonly server: string;
  readonly #options: RedisBrokerOptions;
  /** The servers to ask for the slot map when no shard answers. */
  readonly #roots: readonly string[];
  readonly #handler: LinkHandler;
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #slots: SlotMap = [];
  /** The shards that have slots, by address. */
  readonly #shards = new Map<string, Shard>();
  readonly #queues = new Map<number, SlotQueue<Shard>>();
  readonly #channels = new Map<string, Subscription>();
  /** Whether the slot map is being read. */
  #isReading = false;
  #isClosed = false;

  private constructor(options: RedisBrokerOptions, roots: readonly string[], handler: LinkHandler) {
    this.server = `Redis Cluster at ${serverName(options)}`;
    this.#options = options;
    this.#roots = roots;
    this.#handler = handler;
    this.#clock = options.clock ?? systemClock;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
  }

  /**
   * Connects to all shards; those that are unreachable now are connected later.
   *
   * @throws LongwireError `broker_unreachable` as a rejection if no shard is reachable
   */
  static async open(
    options: RedisBrokerOptions,
    roots: readonly string[],
    handler: LinkHandler,
  ): Promise<ClusterLink> {
    const link = new ClusterLink(options, roots, handler);
    const slots = await link.#slotsOfRoots();
    link.#settle(slots);
    const shards = [...link.#shards.values()];
    await Promise.all(shards.map((shard) => shard.settled()));
    if (!link.isAway) return link;
    link.close();
    throw unreachable(link.server, new Error("none of its shards answered"));
  }

  run(name: ScriptName, keys: readonly string[], args: readonly string[]): Promise<Reply> {
    const queue = this.#queueOf(slotOf(keys[0] ?? ""));
    return queue.do(({ scripts }) =>
      scripts.run(name, keys, args).catch((error: unknown) => {
        if (isClusterDown(error)) this.#readSlots();
        throw error;
      }),
    );
  }

  async askAll(command: readonly string[]): Promise<{ server: string; answer: string }[]> {
    const shards = [...this.#shards.values()];
    return (await Promise.all(shards.map(({ scripts }) => scripts.askAll(command)))).flat();
  }

  async subscribe(channel: string): Promise<void> {
    const slot = slotOf(channel);
    const until = this.#clock.now() + this.#timeoutMs;
    for (let attempt = 0; ; attempt += 1) {
      try {
        const shard = this.#shardOf(slot);
        this.#channels.set(channel, { slot, shard });
        return await shard.notifications.subscribe(channel);
      } catch (error) {
        const redirection = redirectionOf(error);
        if (redirection === undefined || this.#clock.now() > until) {
          this.unsubscribe(channel);
          throw error;
        }
        await this.#follow(slot, redirection, attempt);
      }
    }
  }

  unsubscribe(channel: string): void {
    this.#channels.get(channel)?.shard?.notifications.unsubscribe(channel);
    this.#channels.delete(channel);
  }

  get isAway(): boolean {
    return [...this.#shards.values()].every((shard) => shard.isAway);
  }

  close(): void {
    this.#isClosed = true;
    for (const shard of this.#shards.values()) shard.close();
  }

  #queueOf(slot: number): SlotQueue<Shard> {
    let queue = this.#queues.get(slot);
    if (queue === undefined) {
      queue = new SlotQueue({
        clock: this.#clock,
        timeoutMs: this.#timeoutMs,
        server: () => this.#shardOf(slot),
        follow: (redirection, attempt) => this.#follow(slot, redirection, attempt),
        onEmpty: () => this.#queues.delete(slot),
      });
      this.#queues.set(slot, queue);
    }
    return queue;
  }

  /** @throws LiveError `unavailable` */
  #shardOf(slot: number): Shard {
    const address = this.#slots[slot];
    if (address !== undefined && !this.#isClosed) return this.#shardAt(address);
    const why = this.#isClosed ? "is closed" : `has no server for the slot ${slot}`;
    throw new LiveError("unavailable", `${this.server} ${why}; try again later.`);
  }

  #shardAt(address: string): Shard {
    let shard = this.#shards.get(address);
    if (shard === undefined) {
      shard = new Shard(this.#optionsOf(urlAt(this.#roots[0] ?? "", address)), {
        onNotified: (channel, text) => this.#handler.onNotified(channel, text),
        onBack: (channels) => this.#handler.onBack(channels),
        onLost: (channels) => this.#handler.onLost(channels),
        onMoved: (channel) => this.#onMoved(channel),
      });
      this.#shards.set(address, shard);
    }
    return shard;
  }

  /** An unreachable shard may have been replaced, so each failure rereads the slot map. */
  #optionsOf(url: string): RedisBrokerOptions {
    const onError = (error: LongwireError): void => {
      this.#options.onError?.(error);
      this.#readSlots();
    };
    return { ...this.#options, url, onError };
  }

  /** Resolves when the slot can be retried at its current shard. */
  async #follow(slot: number, redirection: Redirection, attempt: number): Promise<void> {
    if (redirection.kind === "moving") return this.#pause();
    const asked = hostOf(this.#slots[slot] ?? "");
    const address = addressOf(redirection.host, redirection.port, asked);
    this.#slots[slot] = address;
    this.#readSlots();
    // During a failover, servers may briefly redirect to each other.
    if (attempt > 0) await this.#pause();
    if (!this.#isClosed) await this.#shardAt(address).settled();
  }

  /** Reads the slot map and moves topics accordingly; one at a time, with pauses. */
  #readSlots(): void {
    if (this.#isClosed || this.#isReading) return;
    this.#isReading = true;
    void this.#readSlotsNow().finally(() => (this.#isReading = false));
  }

  async #readSlotsNow(): Promise<void> {
    await this.#pause();
    try {
      this.#settle(await this.#slotsNow());
    } catch {
      // No server answers; the attempts to reconnect trigger this again.
    }
  }

  async #slotsNow(): Promise<SlotMap> {
    for (const [address, shard] of this.#shards) {
      if (shard.scripts.isAway) continue;
      // Moved to the end, because this server may not know the new map yet.
      this.#shards.delete(address);
      this.#shards.set(address, shard);
      try {
        return slotMapOf(await shard.scripts.ask<SlotRanges>(SLOTS_COMMAND), hostOf(address));
      } catch {
        // Try the next one.
      }
    }
    return this.#slotsOfRoots();
  }

  /** @throws LongwireError `broker_unreachable` as a rejection */
  async #slotsOfRoots(): Promise<SlotMap> {
    let failure: unknown;
    for (const url of this.#roots) {
      try {
        return await this.#slotsOfRoot(url);
      } catch (error) {
        failure = error;
      }
    }
    throw unreachable(this.server, failure);
  }

  async #slotsOfRoot(url: string): Promise<SlotMap> {
    const client = connectable({ ...this.#options, url }, this.#timeoutMs);
    client.on("error", () => {});
    const late = this.#clock.after(this.#timeoutMs, () => destroy(client));
    try {
      await client.connect();
      const ranges = await client.sendCommand<SlotRanges>(SLOTS_COMMAND);
      return slotMapOf(ranges, new URL(url).hostname);
    } finally {
      late.cancel();
      destroy(client);
    }
  }

  #settle(slots: SlotMap): void {
    if (this.#isClosed) return;
    this.#slots = slots;
    const addresses = new Set(slots.filter((address) => address !== undefined));
    for (const address of addresses) this.#shardAt(address);
    for (const [channel, subscription] of this.#channels) this.#place(channel, subscription);
    for (const [address, shard] of this.#shards) {
      if (addresses.has(address)) continue;
      this.#shards.delete(address);
      shard.close();
    }
  }

  /** Subscribes at the channel's current shard. */
  #place(channel: string, subscription: Subscription): void {
    const before = subscription.shard;
    const address = this.#slots[subscription.slot];
    const shard = address === undefined ? undefined : this.#shardAt(address);
    if (shard === before) return;
    before?.notifications.unsubscribe(channel);
    subscription.shard = shard;
    shard?.notifications.adopt(channel);
  }

  #onMoved(channel: string): void {
    const subscription = this.#channels.get(channel);
    if (subscription !== undefined) subscription.shard = undefined;
    this.#readSlots();
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#clock.after(PAUSE_MS, resolve));
  }
}
