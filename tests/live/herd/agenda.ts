/** Scheduled numbers by their times, the earliest first. */
export class Agenda {
  readonly #times: number[] = [];
  readonly #whats: number[] = [];

  get size(): number {
    return this.#times.length;
  }

  /** When the next is due. */
  get next(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  add(time: number, what: number): void {
    const times = this.#times;
    const whats = this.#whats;
    let at = times.length;
    times.push(time);
    whats.push(what);
    for (;;) {
      const parent = (at - 1) >> 1;
      if (at === 0 || times[parent]! <= time) break;
      times[at] = times[parent]!;
      whats[at] = whats[parent]!;
      at = parent;
    }
    times[at] = time;
    whats[at] = what;
  }

  /** Takes the next one off; call it only when there is one. */
  take(): number {
    const times = this.#times;
    const whats = this.#whats;
    const [first] = whats;
    const time = times.pop()!;
    const what = whats.pop()!;
    const size = times.length;
    if (size === 0) return first!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && times[child + 1]! < times[child]!) child += 1;
      if (times[child]! >= time) break;
      times[at] = times[child]!;
      whats[at] = whats[child]!;
      at = child;
    }
    times[at] = time;
    whats[at] = what;
    return first!;
  }
}
