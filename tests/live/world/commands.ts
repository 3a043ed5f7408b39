import { handle } from "../../../src/live/client/answering/index.ts";
import type { TestLive } from "../../../src/testing/index.ts";
import type { Live } from "../../../src/live/client/index.ts";
import { clientMethod, type ClientMethods, type CommandInfo } from "../../../src/live/index.ts";
import type { Random } from "../../rigs/random.ts";

/** The method of commands. */
const METHOD = "do";

export const commandMethods: ClientMethods = { [METHOD]: clientMethod({ timeoutMs: 5_000 }) };

interface Given {
  readonly n: number;
  readonly identity: string;
}

/** Commands of the server to clients, and how often each was carried out. */
export class Commands {
  readonly #random: Random;
  readonly #wait: (ms: number) => Promise<void>;
  /** The numbers of the commands that each identity has carried out, in this order. */
  readonly #done = new Map<string, number[]>();
  /** By key: those that the log has, unless it was lost. */
  #given = new Map<string, Given>();
  readonly #failures: Error[] = [];
  #n = 0;
  done = 0;

  constructor(random: Random, wait: (ms: number) => Promise<void>) {
    this.#random = random;
    this.#wait = wait;
  }

  /** Lets a client carry commands out, at once or after a while. */
  offer(live: Live, identity: string): void {
    handle(live, METHOD, async (n) => {
      const done = this.#done.get(identity) ?? [];
      this.#done.set(identity, done);
      done.push(n as number);
      if (this.#random.chance(0.7)) await this.#wait(this.#random.pick([1, 300, 2_000, 10_000]));
      return n;
    });
  }

  give(server: TestLive["server"], identity: string): void {
    this.#n += 1;
    const n = this.#n;
    const given = this.#given;
    server
      .identity(identity)
      .command(METHOD, n)
      .then(
        ({ key }) => given.set(key, { n, identity }),
        ({ code, message }: { code?: string; message: string }) => {
          if (code !== "unavailable") this.#fail(`command ${n} failed: ${message}`);
        },
      );
  }

  /** The broker has lost them, and what was begun may go on. */
  onLogLost(): void {
    this.#given = new Map();
  }

  check(): void {
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure;
    for (const [identity, done] of this.#done) {
      for (const [at, n] of done.entries()) {
        const before = done[at - 1] ?? 0;
        if (before < n) continue;
        throw new Error(`${identity} carried out command ${n} after command ${before}`);
      }
    }
  }

  /**
   * Every client has been connected for long enough, so every command was carried out. None is
   * unconfirmed, because all clients have run since the start.
   */
  checkEnd(server: TestLive["server"]): void {
    const infos = new Map<string, CommandInfo>();
    for (const { key, data } of server.topic("$commands").events()) {
      infos.set(key!, data as CommandInfo);
    }
    for (const [key, { n, identity }] of this.#given) {
      const state = infos.get(key)?.state;
      const wasDone = this.#done.get(identity)?.includes(n) === true;
      this.done += 1;
      if (state === "done" && wasDone) continue;
      const how = wasDone ? "carried out" : "not carried out";
      throw new Error(`command ${n} to ${identity} is ${String(state)}, and was ${how}`);
    }
  }

  #fail(what: string): void {
    this.#failures.push(new Error(what));
  }
}
