import { LoadConnection } from "./connection.mjs";
import { stage } from "./stage.mjs";

/** So many handshakes at a time: a listening socket's backlog is not what is measured. */
const AT_ONCE = 100;

/** The connections of one run, and what went wrong with the first one that did. */
export class Connections {
  all = [];
  #target;
  #failed;
  /** Rejects when a connection ends. */
  failure;

  /** @param {import("./connection.mjs").Target} target */
  constructor(target) {
    this.#target = target;
    this.failure = new Promise((_, reject) => {
      this.#failed = reject;
    });
    // It is always raced with something, but not always yet.
    this.failure.catch(() => {});
  }

  /** @param {Partial<import("./connection.mjs").Target>} [difference] */
  async open(count, difference = {}) {
    const target = { ...this.#target, ...difference };
    const last = this.all.length + count;
    const opened = [];
    while (this.all.length < last) {
      const group = [];
      stage.text = `opening connection ${this.all.length + 1} to ${last}`;
      while (group.length < AT_ONCE && this.all.length < last) {
        const connection = new LoadConnection(target, this.all.length, this.#failed);
        this.all.push(connection);
        group.push(connection.opened());
      }
      opened.push(...(await Promise.race([Promise.all(group), this.failure])));
    }
    return opened;
  }

  cut() {
    for (const connection of this.all) connection.cut();
  }
}
