import type { ClientMethods, LiveServer } from "../../../src/live/index.ts";
import { clientMethod } from "../../../src/live/index.ts";
import type { Random } from "../../rigs/random.ts";

/** The method that clients offer. */
export const METHOD = "work";

export const clientMethods: ClientMethods = { [METHOD]: clientMethod() };

/** A request of the server, as a client receives it. */
export interface Question {
  readonly id: number;
  readonly method: string;
  readonly params: number;
}

/** The codes of requests that were not sent to any client. */
const UNSENT: ReadonlySet<string> = new Set(["not_offered", "client_busy"]);

/** Requests of the server to clients: by number, how often each was carried out. */
export class Questions {
  readonly #random: Random;
  readonly #runs = new Map<number, number>();
  readonly #failing = new Set<number>();
  readonly #unsent = new Set<number>();
  readonly #open = new Set<number>();
  readonly #failures: string[] = [];
  #n = 0;
  answered = 0;
  unanswered = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Whether a client that is welcomed offers the method. */
  isOffered(): boolean {
    return this.#random.chance(0.8);
  }

  /** @param party an identity, or without identities a connection */
  ask(live: LiveServer, party: string, hasIdentities: boolean): void {
    this.#n += 1;
    const n = this.#n;
    this.#open.add(n);
    const target = hasIdentities ? live.identity(party) : live.connection(party);
    target
      .call(METHOD, n, { timeoutMs: this.#random.pick([50, 2_000, 30_000]) })
      .then(
        (answer) => this.#onAnswer(n, answer),
        (error: { code?: string; message: string }) => this.#onError(n, error),
      )
      .finally(() => this.#open.delete(n));
  }

  /** Returns the client's answers to a request: none, one, or one that is sent twice. */
  answersTo({ id, method, params: n }: Question): object[] {
    if (method !== METHOD) this.#failures.push(`${method} was not offered`);
    this.#runs.set(n, (this.#runs.get(n) ?? 0) + 1);
    if (this.#random.chance(0.15)) return [];
    const fails = this.#random.chance(0.2);
    if (fails) this.#failing.add(n);
    const answer = fails
      ? { type: "response", id, error: { code: "broken", message: "It does not work." } }
      : { type: "response", id, data: n };
    return this.#random.chance(0.1) ? [answer, answer] : [answer];
  }

  check(): void {
    const [failure] = this.#failures;
    if (failure !== undefined) throw new Error(failure);
    for (const [n, runs] of this.#runs) {
      if (runs > 1) throw new Error(`request ${n} was carried out ${runs} times`);
      if (this.#unsent.has(n)) throw new Error(`request ${n} was not sent, and carried out`);
    }
  }

  /** The server is closed, so that every request has an outcome. */
  checkEnd(): void {
    this.check();
    if (this.#open.size > 0) throw new Error(`${this.#open.size} requests have no outcome`);
  }

  #onAnswer(n: number, answer: unknown): void {
    this.answered += 1;
    if (answer !== n) this.#failures.push(`request ${n} was answered with ${String(answer)}`);
    if (this.#runs.get(n) !== 1) this.#failures.push(`request ${n} was answered by nobody`);
    if (this.#failing.has(n)) this.#failures.push(`request ${n} failed, and has a result`);
  }

  #onError(n: number, { code = "", message }: { code?: string; message: string }): void {
    if (UNSENT.has(code)) this.#unsent.add(n);
    else if (code === "unconfirmed") this.unanswered += 1;
    else if (code !== "client_failed" || !this.#failing.has(n)) {
      this.#failures.push(`request ${n} failed: ${code} ${message}`);
    }
  }
}
