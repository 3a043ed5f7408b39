import { report } from "../report.ts";
import { randomKey } from "../requests/random-key.ts";
import type { CommandStore } from "./command-store.ts";

/** The server asks for a command again until it has the answer, and only then for the next one. */
const KEPT = 32;

/** Its predecessor began the command, and ended. */
const INTERRUPTED = '"error":{"code":"interrupted","message":"The client ended meanwhile."}';

/** The commands that this run of the client has begun: each is carried out once. */
export class Commands {
  #run: string = randomKey();
  readonly #store: CommandStore | undefined;
  readonly #answers = new Map<string, Promise<string>>();
  readonly #saved = new Map<string, string | null>();
  #loading: Promise<string> | undefined;

  constructor(store: CommandStore | undefined) {
    this.#store = store;
  }

  /** Reads the memory of the run before this one, and resolves with the name of this run. */
  load(): Promise<string> {
    return (this.#loading ??= this.#load().catch((error: unknown) => {
      // The next connection tries again.
      this.#loading = undefined;
      throw error;
    }));
  }

  /** @param act carries the command out; never rejects */
  carryOut(key: string, act: () => Promise<string>): Promise<string> {
    const known = this.#answers.get(key);
    if (known) return known;
    const answer = this.#begin(key, act);
    this.#answers.set(key, answer);
    return answer;
  }

  async #load(): Promise<string> {
    const { run = this.#run, commands = [] } = (await this.#store?.load()) ?? {};
    this.#run = run;
    for (const [key, answer] of commands) {
      this.#saved.set(key, answer);
      this.#answers.set(key, Promise.resolve(answer ?? INTERRUPTED));
    }
    // Before the first command is sent to this run.
    await this.#write();
    return run;
  }

  async #begin(key: string, act: () => Promise<string>): Promise<string> {
    try {
      await this.#save(key, null);
    } catch (error) {
      // It is not begun, and may be sent again.
      this.#answers.delete(key);
      this.#saved.delete(key);
      throw error;
    }
    const answer = await act();
    await this.#save(key, answer).catch(report);
    return answer;
  }

  async #save(key: string, answer: string | null): Promise<void> {
    this.#saved.set(key, answer);
    for (const [oldest] of this.#saved) {
      if (this.#saved.size <= KEPT) break;
      this.#saved.delete(oldest);
      this.#answers.delete(oldest);
    }
    await this.#write();
  }

  async #write(): Promise<void> {
    await this.#store?.save({ run: this.#run, commands: [...this.#saved] });
  }
}
