import { CpuTime } from "../cpu-time.mjs";
import { residentKib } from "../memory.mjs";

/** Without a message for so long, a run hangs. */
const STALL_MS = 5_000;

/**
 * Times what a process costs while messages are counted.
 *
 * @typedef {object} Window
 * @property {number} warmMs until the compilers have done their work
 * @property {number} warmMessages at least
 * @property {number} measureMs
 */
export class Timed {
  /** Messages so far; whoever sees one counts it here. */
  messages = 0;
  #pid;
  #failure;

  /**
   * @param {number} pid the process under test
   * @param {Promise<never>} failure ends the wait when it rejects
   */
  constructor(pid, failure) {
    this.#pid = pid;
    this.#failure = failure;
  }

  /** @param {Window} window */
  async measure({ warmMs, warmMessages, measureMs }) {
    const warmUntil = performance.now() + warmMs;
    await this.#until(() => performance.now() >= warmUntil && this.messages >= warmMessages);
    return this.lap(measureMs);
  }

  /** @returns what the next `measureMs` cost */
  async lap(measureMs) {
    const cpu = new CpuTime(this.#pid);
    const before = this.messages;
    const started = performance.now();
    await this.#until(() => performance.now() - started >= measureMs);
    const micros = cpu.lap();
    const seconds = (performance.now() - started) / 1000;
    const messages = this.messages - before;
    if (messages === 0) throw new Error(`no message came in ${seconds.toFixed(1)} s`);
    return {
      cpuMicros: micros / messages,
      perSecond: messages / seconds,
      busy: micros / 1e6 / seconds,
      waited: cpu.waited / 1e6 / seconds,
      rssMib: residentKib(this.#pid) / 1024,
      messages,
    };
  }

  async #until(isDone) {
    let seen = this.messages;
    let seenAt = performance.now();
    while (!isDone()) {
      // Looked at now and then: to be called for each message would be part of what is measured.
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 5)), this.#failure]);
      if (this.messages !== seen) {
        seen = this.messages;
        seenAt = performance.now();
      } else if (performance.now() - seenAt > STALL_MS) {
        throw new Error(`it hangs: nothing came for ${STALL_MS / 1000} s after ${seen} messages`);
      }
    }
  }
}
