import { handle } from "../../../src/live/client/answering/index.ts";
import type { TestLive } from "../../../src/testing/index.ts";
import type { Live } from "../../../src/live/client/index.ts";
import { clientMethod, type ClientMethods } from "../../../src/live/index.ts";
import type { Random } from "../../rigs/random.ts";

/** The method that the clients of the world offer. */
const METHOD = "work";

export const clientMethods: ClientMethods = { [METHOD]: clientMethod() };

/** The codes of calls that were not sent. */
const UNSENT: ReadonlySet<string> = new Set(["not_offered", "client_busy"]);

/** Calls of the server to clients, and how often each was carried out. */
export class ServerCalls {
  readonly #random: Random;
  readonly #wait: (ms: number) => Promise<void>;
  /** How often the handlers ran, by the call's number. */
  readonly #runs = new Map<number, number>();
  /** Calls that were not sent, so that no handler may run. */
  readonly #unsent = new Set<number>();
  readonly #failures: Error[] = [];
  /** The calls of the present server that have no outcome yet. */
  #open = new Set<number>();
  #calls = 0;
  answered = 0;
  unconfirmed = 0;

  constructor(random: Random, wait: (ms: number) => Promise<void>) {
    this.#random = random;
    this.#wait = wait;
  }

  /** Lets a client answer, at once or after a while. */
  offer(live: Live): void {
    handle(live, METHOD, async (n) => {
      this.#runs.set(n as number, (this.#runs.get(n as number) ?? 0) + 1);
      if (this.#random.chance(0.7)) await this.#wait(this.#random.pick([1, 300, 2_000, 10_000]));
      return n;
    });
  }

  ask(server: TestLive["server"], identity: string): void {
    this.#calls += 1;
    const n = this.#calls;
    const open = this.#open.add(n);
    const timeoutMs = this.#random.pick([100, 20_000]);
    server
      .identity(identity)
      .call(METHOD, n, { timeoutMs })
      .then(
        (answer) => {
          this.answered += 1;
          if (answer !== n) this.#fail(`call ${n} was answered with ${JSON.stringify(answer)}`);
          if (this.#runs.get(n) !== 1) this.#fail(`call ${n} was answered, and not carried out`);
        },
        ({ code = "", message }: { code?: string; message: string }) => {
          if (code === "unconfirmed") this.unconfirmed += 1;
          else if (UNSENT.has(code)) this.#unsent.add(n);
          else this.#fail(`call ${n} failed: ${message}`);
        },
      )
      .finally(() => open.delete(n));
  }

  /** Nobody waits for the calls of a server that is gone. */
  onCrash(): void {
    this.#open = new Set();
  }

  check(): void {
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
    for (const [n, runs] of this.#runs) {
      if (runs > 1) throw new Error(`call ${n} was carried out ${runs} times`);
      if (this.#unsent.has(n)) throw new Error(`call ${n} was not sent, and carried out`);
    }
  }

  checkEnd(): void {
    if (this.#open.size > 0) throw new Error(`${this.#open.size} calls have no outcome`);
  }

  #fail(what: string): void {
    this.#failures.push(new Error(what));
  }
}
