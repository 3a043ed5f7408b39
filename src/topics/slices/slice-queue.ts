import type { Clock, Timer } from "../../base/index.ts";
import { SLICE_UNITS } from "./work.ts";

/** The party that is charged for time on the event loop: an identity, a connection, or an internal task. */
export type Payer = object | string;

/** Work that runs in slices. */
export interface SliceTask {
  /** Runs one slice, charges it, and enqueues itself again if work remains. */
  runSlice(): void;
  /** Does the rest immediately, because the server is closing; if absent, the rest is dropped. */
  finish?(): void;
}

/** Work on each of many items. */
export interface Visits<Item> {
  /** The cost of a visit. */
  unitsOf: (item: Item) => number;
  visit: (item: Item) => void;
  /** Whether the rest is done immediately when the server closes. Default false. */
  mustFinish?: boolean;
}

interface Account {
  used: number;
  readonly tasks: Set<SliceTask>;
}

/** The least that a slice costs, so that even empty slices end a turn. */
const MIN_SLICE_UNITS = SLICE_UNITS / 64;
/**
 * How long a turn may last, in milliseconds. Units are an estimate: a slower machine needs longer for
 * them, and what the application does with each event is not in them.
 */
const TURN_MS = 10;

/**
 * Shares the event loop among payers with long work: about one slice per turn of the loop, and the
 * payer that has used the least runs first.
 */
export class SliceQueue {
  readonly #clock: Clock;
  readonly #accounts = new Map<Payer, Account>();
  /**
   * The usage of the payer that ran last. New payers start here, so that waiting earns no credit.
   */
  #usedByLast = 0;
  #usedInTurn = 0;
  /** When this turn's work began; undefined before. */
  #turnBeganAt: number | undefined;
  #waiting = 0;
  #timer: Timer | undefined;
  #slices = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The number of slices that were run. */
  get slices(): number {
    return this.#slices;
  }

  /** The number of waiting tasks. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether this turn of the loop has time for work outside the queue. */
  get hasTime(): boolean {
    if (this.#usedInTurn >= SLICE_UNITS) return false;
    return this.#turnBeganAt === undefined || this.#clock.now() - this.#turnBeganAt < TURN_MS;
  }

  /** Charges work that was done. */
  charge(payer: Payer, units: number): void {
    // A payer that had a long slice in this turn may be about to ask for another one.
    const isLong = units >= MIN_SLICE_UNITS;
    const account = isLong ? this.#accountOf(payer) : this.#accounts.get(payer);
    if (account !== undefined) account.used += units;
    this.#usedInTurn += units;
    // Very short work does not set a timer each time; it adds up.
    if (this.#usedInTurn >= MIN_SLICE_UNITS) this.#wake();
  }

  /** Runs `task` once, in a later turn. */
  enqueue(payer: Payer, task: SliceTask): void {
    const { tasks } = this.#accountOf(payer);
    if (!tasks.has(task)) this.#waiting += 1;
    tasks.add(task);
    this.#wake();
  }

  cancel(payer: Payer, task: SliceTask): void {
    if (this.#accounts.get(payer)?.tasks.delete(task) === true) this.#waiting -= 1;
  }

  /** Resolves when it is the payer's turn. A whole slice is charged in advance. */
  turn(payer: Payer): Promise<void> {
    return new Promise((resolve) => {
      const runSlice = (): void => {
        this.charge(payer, SLICE_UNITS);
        resolve();
      };
      this.enqueue(payer, { runSlice });
    });
  }

  /**
   * Visits each item: as many as a slice allows immediately, if this turn has time, and the rest in
   * later slices. `items` must tolerate changes during the iteration, as maps and sets do.
   *
   * @returns an object whose `isDone` says whether all were visited
   */
  forEach<Item>(
    payer: Payer,
    items: Iterable<Item>,
    { unitsOf, visit, mustFinish = false }: Visits<Item>,
  ): { readonly isDone: boolean } {
    const iterator = items[Symbol.iterator]();
    const progress = { isDone: false };
    const visitWhile = (isAllowed: (units: number) => boolean): void => {
      let units = 0;
      while (!progress.isDone && isAllowed(units)) {
        const next = iterator.next();
        progress.isDone = next.done === true;
        if (next.done === true) break;
        units += unitsOf(next.value);
        visit(next.value);
      }
      this.charge(payer, units);
    };
    const task: SliceTask = {
      runSlice: () => {
        try {
          visitWhile((units) => units < SLICE_UNITS && (units === 0 || this.hasTime));
        } finally {
          if (!progress.isDone) this.enqueue(payer, task);
        }
      },
      ...(mustFinish && { finish: () => visitWhile(() => true) }),
    };
    if (this.hasTime) task.runSlice();
    else this.enqueue(payer, task);
    return progress;
  }

  /** Runs no further slices, except for work that must be finished. */
  close(): void {
    this.#timer?.cancel();
    const tasks = [...this.#accounts.values()].flatMap((account) => [...account.tasks]);
    this.#accounts.clear();
    this.#waiting = 0;
    for (const task of tasks) task.finish?.();
  }

  #wake(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.after(0, () => this.#run());
    this.#turnBeganAt ??= this.#clock.now();
  }

  #run(): void {
    this.#timer = undefined;
    this.#usedInTurn = 0;
    this.#turnBeganAt = this.#clock.now();
    try {
      while (this.#waiting > 0 && this.hasTime) this.#runNext();
    } finally {
      for (const [payer, { tasks }] of this.#accounts) {
        if (tasks.size === 0) this.#accounts.delete(payer);
      }
      if (this.#waiting > 0) this.#wake();
      if (this.#timer === undefined) this.#turnBeganAt = undefined;
    }
  }

  #runNext(): void {
    const [payer, account] = this.#first();
    const [task] = account.tasks;
    account.tasks.delete(task!);
    this.#waiting -= 1;
    this.#usedByLast = account.used;
    // Moves behind others that have used as much.
    this.#accounts.delete(payer);
    this.#accounts.set(payer, account);
    this.#slices += 1;
    const before = this.#usedInTurn;
    try {
      task!.runSlice();
    } finally {
      if (this.#usedInTurn === before) this.charge(payer, MIN_SLICE_UNITS);
    }
  }

  /** Returns the waiting payer that has used the least. */
  #first(): [Payer, Account] {
    let first: [Payer, Account] | undefined;
    for (const entry of this.#accounts) {
      const { used, tasks } = entry[1];
      if (tasks.size > 0 && (first === undefined || used < first[1].used)) first = entry;
    }
    return first!;
  }

  #accountOf(payer: Payer): Account {
    const account = this.#accounts.get(payer) ?? { used: this.#usedByLast, tasks: new Set() };
    this.#accounts.set(payer, account);
    return account;
  }
}
