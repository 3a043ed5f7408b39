import { ClassicLevel } from "classic-level";
import { LongwireError } from "../../base/index.ts";
import { bootId } from "./boot-id.ts";
import { requireCurrent } from "./level-files.ts";
import { BATCH_KEY, FORMAT, STORE_KEY, type KeyRange, type StoreRecord } from "./records.ts";
import { storeError } from "./store-error.ts";

/** How many records are read at a time. */
const PAGE_RECORDS = 500;
const PAGE_BYTES = 1024 * 1024;

/** A write operation. */
export type Operation = { type: "put"; key: string; value: string } | { type: "del"; key: string };

/**
 * The state of the store after reopening it: the failed write is in it or not, or the store was
 * replaced.
 */
export type Reopened = "written" | "unwritten" | "lost";

export interface StoreOptions {
  folder: string;
  sync: boolean;
}

/**
 * The records in a folder: LevelDB, plus what is needed to know the store's content after a
 * failure.
 *
 * Each write includes its own number. All errors are those of `storeError`.
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

  /** Opens the store. @throws LongwireError as a rejection; see `storeError` */
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

  /** Returns the epoch of a topic that was created after so many topics had been forgotten. */
  epochOf(birth: number): string {
    const { epoch } = this.#record;
    return birth === 0 ? epoch : `${epoch}.${birth}`;
  }

  /** Converts a read or write error. */
  errorOf(cause: unknown): LongwireError {
    return storeError(this.#folder, cause);
  }

  /** How many topics have been forgotten. */
  get births(): number {
    return this.#record.births;
  }

  /**
   * Returns the operation that counts another topic as forgotten, and a callback for when it is
   * written.
   */
  forgetting(): { operation: Operation; written(): void } {
    const record = { ...this.#record, births: this.#record.births + 1 };
    const operation: Operation = { type: "put", key: STORE_KEY, value: JSON.stringify(record) };
    return { operation, written: () => (this.#record = record) };
  }

  /** Writes all operations or none. After a failure, every write fails until `reopen`. */
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

  /** Returns the first record of a range, if any. */
  async first({ gte, lt }: KeyRange): Promise<[key: string, value: string][]> {
    try {
      return await this.#level.iterator({ gte, lt, limit: 1 }).all();
    } catch (cause) {
      throw this.errorOf(cause);
    }
  }

  /** Reads the records of a range in pages. */
  async *read(range: KeyRange): AsyncGenerator<[key: string, value: string][], void, undefined> {
    // Not cached, because data that is read once would evict data that is read again.
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
   * Reopens the store after a failed write. LevelDB may have written a part of it, or may write the
   * rest when it is closed; anything after a partial write is lost when it is read again. Reopening
   * drops the partial write.
   *
   * @throws LongwireError as a rejection while it cannot be opened
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
      // The mark stays, which is the safe choice.
    } finally {
      await this.#level.close();
    }
  }

  /** Marks since when a power failure may lose data, or that it may have. */
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

  /**
   * Only data in tables is sure to be on the disk, because a synced write syncs only the newest log
   * file.
   */
  async #markSynced(): Promise<void> {
    await this.#level.compactRange(STORE_KEY, STORE_KEY);
    const { unsyncedSince: _, ...record } = this.#record;
    await this.#level.put(STORE_KEY, JSON.stringify(record), { sync: true });
  }
}

async function openLevel(folder: string): Promise<ClassicLevel> {
  try {
    await requireCurrent(folder);
    const level = new ClassicLevel(folder);
    await level.open();
    return level;
  } catch (cause) {
    throw storeError(folder, cause);
  }
}

async function recordIn(level: ClassicLevel, folder: string): Promise<StoreRecord> {
  const text = await level.get(STORE_KEY);
  if (text === undefined) {
    await requireEmpty(level, folder);
    return { format: FORMAT, epoch: crypto.randomUUID(), births: 0 };
  }
  const record = JSON.parse(text) as StoreRecord;
  if (record.format <= FORMAT) return record;
  const message = `The folder ${folder} was written by a newer version (format ${record.format}; this version reads ${FORMAT}); run the newer version.`;
  throw new LongwireError("store_format", message);
}

async function requireEmpty(level: ClassicLevel, folder: string): Promise<void> {
  const [first] = await level.keys({ limit: 1 }).all();
  if (first === undefined) return;
  const message = `The folder ${folder} contains a LevelDB of another program; use another folder.`;
  throw new LongwireError("store_format", message);
}

async function batchIn(level: ClassicLevel): Promise<number> {
  return Number((await level.get(BATCH_KEY)) ?? 0);
}
