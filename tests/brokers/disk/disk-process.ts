import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { EventDraft, Offset } from "../../../src/live/index.ts";

const program = fileURLToPath(new URL("disk-process.mjs", import.meta.url));

export interface Acknowledged {
  name: string;
  n: number;
  offset: Offset;
}

/** The result of a command to the process. */
export interface Answer {
  epoch?: string;
  offset?: Offset;
  duplicate?: boolean;
  failed?: string;
  kind?: string;
  message?: string;
}

interface Message extends Answer {
  id?: number;
  isOpen?: true;
  refused?: string;
  acknowledged?: Acknowledged;
  told?: { name: string; offset: Offset; data: unknown };
  error?: string;
}

/** Another process that has a disk broker. */
export class DiskProcess {
  static readonly #running = new Set<DiskProcess>();

  readonly acknowledged: Acknowledged[] = [];
  readonly told: { name: string; offset: Offset; data: unknown }[] = [];
  /** The codes of what it was told has gone wrong. */
  readonly errors: string[] = [];
  readonly #process: ChildProcess;
  readonly #gone: Promise<unknown>;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  #refused: Answer | undefined;
  #id = 0;
  #isOpen = false;

  private constructor(folder: string, sync: boolean) {
    this.#process = fork(program, [folder, String(sync)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    DiskProcess.#running.add(this);
    this.#process.on("error", () => {});
    this.#process.on("message", (message: Message) => this.#onMessage(message));
    // Unlike "exit" it comes when all that it said is here.
    this.#gone = once(this.#process, "close");
  }

  /** Starts one, and waits until it has opened the folder. */
  static async start(folder: string, { sync = true } = {}): Promise<DiskProcess> {
    const started = new DiskProcess(folder, sync);
    await started.#until(() => started.#isOpen);
    return started;
  }

  /** Starts one that cannot open the folder, and says why. */
  static async refused(folder: string): Promise<Answer> {
    const started = new DiskProcess(folder, true);
    await started.#gone;
    return started.#refused ?? {};
  }

  static async killAll(): Promise<void> {
    await Promise.all([...DiskProcess.#running].map((process) => process.kill()));
  }

  /** Has it append to these topics for as long as it lives. */
  load(names: readonly string[], run: number): void {
    this.#process.send({ does: "load", names, run });
  }

  /** Resolves when it has acknowledged so many appends. */
  hasAcknowledged(count: number): Promise<void> {
    return this.#until(() => this.acknowledged.length >= count);
  }

  open(name: string): Promise<Answer> {
    return this.#ask({ does: "open", name });
  }

  append(name: string, draft: EventDraft): Promise<Answer> {
    return this.#ask({ does: "append", name, draft });
  }

  /** Lets no file of it grow beyond so many bytes: what it writes then fails, as on a full disk. */
  limitFiles(bytes: number | "unlimited"): void {
    execFileSync("prlimit", ["--pid", String(this.#process.pid), `--fsize=${bytes}:unlimited`]);
  }

  /** SIGKILL, and it is gone when this resolves. */
  async kill(): Promise<void> {
    this.#process.kill("SIGKILL");
    await this.#gone;
    DiskProcess.#running.delete(this);
  }

  #ask(what: object): Promise<Answer> {
    this.#id += 1;
    const id = this.#id;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#process.send({ id, ...what });
    });
  }

  #onMessage(message: Message): void {
    if (message.isOpen) this.#isOpen = true;
    if (message.refused !== undefined) {
      this.#refused = { failed: message.refused, message: message.message ?? "" };
    }
    if (message.acknowledged !== undefined) this.acknowledged.push(message.acknowledged);
    if (message.told !== undefined) this.told.push(message.told);
    if (message.error !== undefined) this.errors.push(message.error);
    if (message.id !== undefined) {
      const { id, ...answer } = message;
      this.#answers.get(id)?.(answer);
      this.#answers.delete(id);
    }
  }

  /** Looks after each message; what never comes ends by the test's own deadline. */
  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (!isSo()) return;
        this.#process.off("message", look);
        resolve();
      };
      this.#process.on("message", look);
      void this.#gone.then(() => reject(new Error("The process has ended.")));
      look();
    });
  }
}
