import type { Offset } from "../../../topics/index.ts";
import { malformed, type EntryMessage, type SnapshotMessage } from "../../wire/index.ts";
import type { KeyedItem } from "./topic-items.ts";

/** A keyed topic's state, with the offset of each key. */
export class KeyedView {
  readonly entries: Map<string, unknown> = new Map();
  /** Includes removed keys until the snapshot that removed them is complete. */
  readonly #offsets = new Map<string, Offset>();
  /** The view's name at the server. */
  name: string | undefined;
  /** The epoch of the offsets. */
  #epoch: string | undefined;
  /**
   * The newest offset that is part of the view. An interrupted snapshot may come from a node that
   * was ahead of the next one; until the topic has caught up to this offset, the view is a mixture.
   */
  newest: Offset = 0;
  /** The keys of an incomplete snapshot so far. */
  #named: Set<string> | undefined;
  /** Whether the snapshot so far contains the whole state. */
  #isWhole = false;
  readonly #emit: (item: KeyedItem<unknown>) => void;

  constructor(emit: (item: KeyedItem<unknown>) => void) {
    this.#emit = emit;
  }

  get isBetweenPages(): boolean {
    return this.#named !== undefined;
  }

  /** The state as items, for a reader that joins later. */
  *items(): Generator<KeyedItem<unknown>> {
    for (const [key, data] of this.entries) {
      yield { type: "set", key, data, offset: this.#offsets.get(key) ?? 0 };
    }
  }

  /** After a lost connection: keeps what has arrived of a snapshot; its end will not come. */
  breakOff(): void {
    this.#named = undefined;
  }

  clear(): void {
    this.breakOff();
    this.entries.clear();
    this.#offsets.clear();
    this.#epoch = undefined;
  }

  /** Whether its offsets are comparable with those of `epoch`. */
  isOf(epoch: string): boolean {
    return this.#epoch === epoch;
  }

  /** @throws LongwireError `malformed` */
  apply({ key, offset, data, removed }: EntryMessage): void {
    if (typeof key !== "string" || typeof offset !== "number") throw malformed("entry");
    // An interrupted snapshot may already have delivered something newer.
    if (offset <= (this.#offsets.get(key) ?? 0)) return;
    this.#offsets.set(key, offset);
    this.newest = Math.max(this.newest, offset);
    if (removed) {
      this.#remove(key, offset);
      // After a snapshot, events come in order, so no older value can follow that the offset would
      // reject.
      if (!this.isBetweenPages) this.#offsets.delete(key);
      return;
    }
    this.entries.set(key, data);
    this.#emit({ type: "set", key, data, offset });
  }

  applyPage({ epoch, offset, entries, complete, more }: SnapshotMessage): void {
    // Offsets of different epochs are not comparable, so nothing held counts as newer.
    if (complete && !this.isOf(epoch)) {
      this.#offsets.clear();
      this.newest = 0;
    }
    this.#epoch = epoch;
    // The server interrupted its snapshot and starts another, so the key names are collected again.
    if (complete !== this.#isWhole) this.breakOff();
    this.#isWhole = complete;
    const named = (this.#named ??= new Set());
    for (const entry of entries) {
      named.add(entry.key);
      this.apply(entry);
    }
    if (more) return;
    this.breakOff();
    // An interrupted complete snapshot ends with a page that is not complete.
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
