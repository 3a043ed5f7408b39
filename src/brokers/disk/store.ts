import { ClassicLevel } from "classic-level";
import { LongwireError } from "../../base/index.ts";
import { bootId } from "./boot-id.ts";
import { requireCurrent } from "./level-files.ts";
import { BATCH_KEY, FORMAT, STORE_KEY, type KeyRange, type StoreRecord } from "./records.ts";
import { storeError } from "./store-error.ts";

/** How many records are read at a time. */
const PAGE_RECORDS = 500;
const PAGE_BYTES = 1024 * 1024;

/** Something to be written. */
export type Operation = { type: "put"; key: string; value: string } | { type: "del"; key: string };

/**
 * What has become of the store when it is opened again: the write that failed is in it or not, or
 * it is not the store that it was.
 */
export type Reopened = "written" | "unwritten" | "lost";

export interface StoreOptions {
  folder: string;
  sync: boolean;
}

/**
 * The records in a folder: LevelDB, with what it takes to know after a failure what is in it.
 *
 * Each write has a number, which is part of it. All errors are those of `storeError`.
 */
export class Store {
  readonly #folder: string;
  readonly #sync: boolean;
  #level: ClassicLevel;
  #record: StoreRecord;
  #batch = 0;

  private constructor({ folder, sync }: StoreOptions, level: ClassicLevel, record: StoreRecord) {
    this.#folder = folder;
    this.#sync = sync;
    this.#level = level;
    this.#record = record;
  }

  /** @throws LongwireError as a rejection; see `storeError` */
  static async open(options: StoreOptions): Promise<Store> {
    const { folder } = options;
    const level = await openLevel(folder);
    try {
      const store = new Store(options, level, await recordIn(level, folder));
      await store.#begin(level);
      return store;
    } catch (cause) {
      await level.close();
      throw storeError(folder, cause);
    }
  }

  /** What a topic's epoch is that was born when so many had been forgotten. */
  epochOf(birth: number): string {
    const { epoch } = this.#record;
    return birth === 0 ? epoch : `${epoch}.${birth}`;
  }

  /** What reading or writing it has led to. */
  errorOf(cause: unknown): LongwireError {
    return storeError(this.#folder, cause);
  }

  /** How many topics have been forgotten. */
  get births(): number {
    return this.#record.births;
  }

  /** What counts one more topic as forgotten, and what is to be called when it is written. */
  forgetting(): { operation: Operation; written(): void } {
    const record = { ...this.#record, births: this.#record.births + 1 };
    const operation: Operation = { type: "put", key: STORE_KEY, value: JSON.stringify(record) };
    return { operation, written: () => (this.#record = record) };
  }

  /** All of it, or nothing; after a failure nothing more until it has been opened again. */
  async write(operations: readonly Operation[]): Promise<void> {
    const value = String(this.#batch + 1);
    const all: Operation[] = [...operations, { type: "put", key: BATCH_KEY, value }];
    try {
      await this.#level.batch(all, { sync: this.#sync });
    } catch (cause) {
      throw this.errorOf(cause);
    }
    this.#batch += 1;
  }

  async get(key: string): Promise<string | undefined> {
    try {
      return await this.#level.get(key);
    } catch (cause) {
      throw this.errorOf(cause);
    }
  }

  /** The first record of a range, if there is one. */
  async first({ gte, lt }: KeyRange): Promise<[key: string, value: string][]> {
    try {
      return await this.#level.iterator({ gte, lt, limit: 1 }).all();
    } catch (cause) {
      throw this.errorOf(cause);
    }
  }

  /** Reads what is in a range, in pages. */
  async *read(range: KeyRange): AsyncGenerator<[key: string, value: string][], void, undefined> {
    // What is read once would push out what is read again.
    const options = { ...range, fillCache: false, highWaterMarkBytes: PAGE_BYTES };
    const iterator = this.#level.iterator(options);
    try {
      for (;;) {
        const page = await iterator.nextv(PAGE_RECORDS);
        if (page.length === 0) return;
        yield page;
      }
    } catch (cause) {
      throw this.errorOf(cause);
    } finally {
      await iterator.close();
    }
  }

  /**
   * Opens it anew after a write failed. LevelDB may have written a part, or may yet write the rest
   * of it when it is closed, and what follows a part is lost when it is read again. Opened, it has
   * dropped the part.
   *
   * @throws LongwireError as a rejection, while it cannot be opened
   */
  async reopen(): Promise<Reopened> {
    try {
      await this.#level.close();
      this.#level = await openLevel(this.#folder);
      const record = await recordIn(this.#level, this.#folder);
      const batch = await batchIn(this.#level);
      const isSame = record.epoch === this.#record.epoch;
      if (isSame && batch === this.#batch) return "unwritten";
      if (isSame && batch === this.#batch + 1) {
        this.#batch = batch;
        this.#record = record;
        return "written";
      }
      this.#record = { ...record, epoch: crypto.randomUUID() };
      await this.#begin(this.#level);
      return "lost";
    } catch (cause) {
      throw this.errorOf(cause);
    }
  }

  async close(): Promise<void> {
    try {
      if (this.#level.status !== "open") return;
      if (this.#record.unsyncedSince !== undefined) await this.#markSynced();
    } catch {
      // Then the mark stays, which is the safe side.
    } finally {
      await this.#level.close();
    }
  }

  /** Says from when on a loss of power may lose something, or that something may be lost. */
  async #begin(level: ClassicLevel): Promise<void> {
    const boot = await bootId();
    const { unsyncedSince: before, ...record } = this.#record;
    if (before !== undefined && (before === "" || before !== boot)) {
      record.epoch = crypto.randomUUID();
    }
    this.#batch = await batchIn(level);
    this.#record = this.#sync ? record : { ...record, unsyncedSince: boot };
    await level.put(STORE_KEY, JSON.stringify(this.#record), { sync: true });
  }

  /** Only what is in tables is sure to be on the disk: a synced write syncs but the newest log. */
  async #markSynced(): Promise<void> {
    await this.#level.compactRange(STORE_KEY, STORE_KEY);
    const { unsyncedSince: _, ...record } = this.#record;
    await this.#level.put(STORE_KEY, JSON.stringify(record), { sync: true });
  }
}

async function openLevel(folder: string): Promise<ClassicLevel> {
  await requireCurrent(folder);
  const level = new ClassicLevel(folder);
  try {
    await level.open();
  } catch (cause) {
    throw storeError(folder, cause);
  }
  return level;
}

async function recordIn(level: ClassicLevel, folder: string): Promise<StoreRecord> {
  const text = await level.get(STORE_KEY);
  if (text === undefined) {
    await requireEmpty(level, folder);
    return { format: FORMAT, epoch: crypto.randomUUID(), births: 0 };
  }
  const record = JSON.parse(text) as StoreRecord;
  if (record.format <= FORMAT) return record;
  const message = `The folder ${folder} was written by a newer version (format ${record.format}, this one reads ${FORMAT}); run that one.`;
  throw new LongwireError("store_format", message);
}

async function requireEmpty(level: ClassicLevel, folder: string): Promise<void> {
  const [first] = await level.keys({ limit: 1 }).all();
  if (first === undefined) return;
  const message = `The folder ${folder} holds a LevelDB that is not Longwire's; give another folder.`;
  throw new LongwireError("store_format", message);
}

async function batchIn(level: ClassicLevel): Promise<number> {
  return Number((await level.get(BATCH_KEY)) ?? 0);
}
