import {
  defaultRetention,
  type EventDraft,
  eventOf,
  type HeldKey,
  LiveError,
  type Offset,
  type TopicDeclaration,
} from "../../../topics/index.ts";
import type { Installation } from "../installation.ts";
import { logRestarted, UnansweredError } from "../../shared/engine-errors.ts";
import type { Link, Reply } from "../link/link.ts";
import { entryOf, pageOf, type Entry, type Page } from "./page.ts";
import type { ScriptName } from "./scripts.ts";
import { repeatKey, topicKeys } from "./topic-keys.ts";

/** How many events are read, and how many leases renewed, at a time. */
const PAGE_EVENTS = 500;
const PAGE_BYTES = 1024 * 1024;
const LEASES_AT_ONCE = 500;

/** How far a topic is followed; Redis compares it with its state. */
export interface Place {
  /** Empty until it is known. */
  epoch: string;
  offset: Offset;
  /** When the event at `offset` was appended by the clock of Redis, in µs; empty if unknown. */
  stamp: string;
}

/** The outcome of an append. */
export type Appended =
  | { kind: "appended"; entry: Entry }
  | { kind: "duplicate"; offset: Offset }
  | { kind: "conflict" };

interface TopicScriptsHost {
  link: Link;
  installation: Pick<Installation, "read">;
  /** The prefix of the topic's keys, which is also its channel. */
  tag: string;
  /** How far it is followed now. */
  place(): Place;
  /** Redis holds a log other than the one that is followed. */
  onOther(): void;
  /** The time by this node's clock. */
  now(): number;
  /** The time by the clock of Redis, from the answer to a request sent at `askedAt`. */
  onTime(time: number, askedAt: number): void;
  /** The time until the next lease expires; negative if there is none. */
  onLease(delayMs: number): void;
}

/**
 * Runs the scripts of one topic.
 *
 * @throws LiveError `unavailable` if it was not run, UnansweredError if it may have been, as a
 *   rejection
 */
export class TopicScripts {
  readonly #declaration: TopicDeclaration;
  readonly #host: TopicScriptsHost;
  readonly #keys: readonly string[];
  readonly #limits: readonly string[];
  /**
   * Read before each reading while the topic has no events, because its first epoch is derived from
   * it.
   */
  #installation = "";

  constructor(declaration: TopicDeclaration, host: TopicScriptsHost) {
    this.#declaration = declaration;
    this.#host = host;
    this.#keys = topicKeys(host.tag);
    const { maxEvents, maxBytes, maxAgeMs } = { ...defaultRetention, ...declaration.retention };
    this.#limits = [maxEvents, maxBytes, maxAgeMs].map(String);
  }

  /**
   * @param how `state` reads what is retained; `steps` continues event by event, or reports a miss
   */
  async read(after: Offset, how: "state" | "steps"): Promise<Page> {
    if (this.#host.place().offset === 0) {
      this.#installation = await this.#host.installation.read();
    }
    const args = [String(after), how, String(PAGE_EVENTS), String(PAGE_BYTES)];
    const reply = await this.#run("read", args).catch((error: unknown) => {
      // Reading again is harmless.
      if (!(error instanceof UnansweredError)) throw error;
      throw new LiveError("unavailable", error.message);
    });
    return pageOf(reply, this.#declaration.kind);
  }

  async append(draft: EventDraft): Promise<Appended> {
    const { key, idempotencyKey, ifNewest = "", leaseMs = "" } = draft;
    const json = draft.removed === true ? "" : eventOf(draft, 1, 0).json;
    const repeat = idempotencyKey === undefined ? [] : [repeatKey(this.#host.tag, idempotencyKey)];
    const args = [key ?? "", json, String(ifNewest), String(leaseMs)];
    const [outcome, , , , , , at, stamp] = await this.#run("append", args, repeat);
    if (outcome === "conflict") return { kind: "conflict" };
    const offset = Number(at);
    if (outcome === "duplicate") return { kind: "duplicate", offset };
    return { kind: "appended", entry: entryOf({ offset, stamp: String(stamp), key, json }) };
  }

  async lease(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    for (let at = 0; at < held.length; at += LEASES_AT_ONCE) {
      const some = held.slice(at, at + LEASES_AT_ONCE);
      const keys = some.flatMap(({ key, offset }) => [key, String(offset)]);
      await this.#run("lease", [String(leaseMs), ...keys]);
    }
  }

  async #run(
    name: ScriptName,
    args: readonly string[],
    keys: readonly string[] = [],
  ): Promise<Reply> {
    const { link, tag } = this.#host;
    // Compared each time, because after a failover an append may precede a reading.
    const { epoch, offset, stamp } = this.#host.place();
    const seen = [epoch, String(offset), stamp];
    const own = [
      crypto.randomUUID(),
      this.#declaration.kind,
      ...this.#limits,
      tag,
      ...seen,
      this.#installation,
    ];
    const askedAt = this.#host.now();
    const reply = await link.run(name, [...this.#keys, ...keys], [...own, ...args]);
    this.#host.onTime(Number(reply[5]), askedAt);
    if (reply[0] === "epoch") {
      this.#host.onOther();
      throw logRestarted(this.#declaration.name);
    }
    this.#host.onLease(Number(reply[4]));
    return reply;
  }
}
