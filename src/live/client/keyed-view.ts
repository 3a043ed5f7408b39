import type { Offset } from "../../topics/index.ts";
import { malformed, type EntryMessage, type SnapshotMessage } from "../wire/index.ts";
import type { KeyedItem } from "./topic-items.ts";

/** A keyed topic's state as it was told, and with which offset each key. */
export class KeyedView {
  readonly entries: Map<string, unknown> = new Map();
  /** Also of removed keys, until the snapshot that told of them is complete. */
  readonly #offsets = new Map<string, Offset>();
  /** What the server calls it. */
  name: string | undefined;
  /** Which epoch the offsets are of. */
  #epoch: string | undefined;
  /**
   * The newest offset that the view holds something of. A snapshot that was cut may have come from
   * a node that was ahead of the one that follows; until the topic is there, the view is a mixture.
   */
  newest: Offset = 0;
  /** The keys of a snapshot of which some pages have come. */
  #named: Set<string> | undefined;
  /** Whether the pages that have come are of the whole state. */
  #isWhole = false;
  readonly #emit: (item: KeyedItem<unknown>) => void;

  constructor(emit: (item: KeyedItem<unknown>) => void) {
    this.#emit = emit;
  }

  get isBetweenPages(): boolean {
    return this.#named !== undefined;
  }

  /** The state as items, for who comes later. */
  *items(): Generator<KeyedItem<unknown>> {
    for (const [key, data] of this.entries) {
      yield { type: "set", key, data, offset: this.#offsets.get(key) ?? 0 };
    }
  }

  /** The connection is lost: what has come of a snapshot stays, its end does not come. */
  breakOff(): void {
    this.#named = undefined;
  }

  clear(): void {
    this.breakOff();
    this.entries.clear();
    this.#offsets.clear();
    this.#epoch = undefined;
  }

  /** Whether its offsets can be compared with those of `epoch`. */
  isOf(epoch: string): boolean {
    return this.#epoch === epoch;
  }

  /** @throws LongwireError `malformed` */
  apply({ key, offset, data, removed }: EntryMessage): void {
    if (typeof key !== "string" || typeof offset !== "number") throw malformed("entry");
    // A snapshot that was cut may have told something newer already.
    if (offset <= (this.#offsets.get(key) ?? 0)) return;
    this.#offsets.set(key, offset);
    this.newest = Math.max(this.newest, offset);
    if (removed) {
      this.#remove(key, offset);
      // Behind a snapshot all comes in order: nothing older follows that it would have to stop.
      if (!this.isBetweenPages) this.#offsets.delete(key);
      return;
    }
    this.entries.set(key, data);
    this.#emit({ type: "set", key, data, offset });
  }

  applyPage({ epoch, offset, entries, complete, more }: SnapshotMessage): void {
    // Offsets of different epochs cannot be compared, so nothing held is newer.
    if (complete && !this.isOf(epoch)) {
      this.#offsets.clear();
      this.newest = 0;
    }
    this.#epoch = epoch;
    // The server had to stop, and begins again: then the names count anew.
    if (complete !== this.#isWhole) this.breakOff();
    this.#isWhole = complete;
    const named = (this.#named ??= new Set());
    for (const entry of entries) {
      named.add(entry.key);
      this.apply(entry);
    }
    if (more) return;
    this.breakOff();
    // A complete one that is broken off ends with a page that says it is not complete.
    if (complete) this.#dropOthers(named, offset);
    for (const key of this.#offsets.keys()) if (!this.entries.has(key)) this.#offsets.delete(key);
  }

  #dropOthers(named: ReadonlySet<string>, offset: Offset): void {
    for (const key of this.entries.keys()) if (!named.has(key)) this.#remove(key, offset);
  }

  #remove(key: string, offset: Offset): void {
    if (this.entries.delete(key)) this.#emit({ type: "removed", key, offset });
  }
}
