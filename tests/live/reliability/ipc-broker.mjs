import { eventOf, LiveError } from "../../../dist/brokers/index.js";

/**
 * A broker in the parent process, as a server process sees it: what was acknowledged outlives the
 * process, as with a broker of its own.
 */
export class IpcBroker {
  #asked = 0;
  /** Requests without an answer, by number. */
  #open = new Map();
  #followers = new Map();

  constructor() {
    process.on("message", (message) => this.#receive(message));
  }

  async openTopic({ kind, name, retention }, follow) {
    this.#followers.set(name, follow);
    const opened = await this.#ask({ does: "open", declaration: { kind, name, retention } });
    return {
      ...opened,
      append: (draft) => this.#ask({ does: "append", name, draft }),
      lease: (held, leaseMs) => this.#ask({ does: "lease", name, held, leaseMs }),
      // The channel keeps the order: what was told before is here by then.
      catchUp: () => this.#ask({ does: "catchUp" }),
      close: async () => {},
    };
  }

  async close() {}

  #ask(request) {
    this.#asked += 1;
    const id = this.#asked;
    process.send({ ...request, id });
    return new Promise((resolve, reject) => this.#open.set(id, { resolve, reject }));
  }

  #receive({ id, answer, refusal, name, event }) {
    if (event !== undefined) {
      const { offset, at, ...draft } = event;
      this.#followers.get(name)(eventOf(draft, offset, at));
      return;
    }
    const { resolve, reject } = this.#open.get(id);
    this.#open.delete(id);
    if (refusal === undefined) resolve(answer);
    else reject(new LiveError(refusal.code, refusal.message));
  }
}
