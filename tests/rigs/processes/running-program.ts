import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const command = fileURLToPath(new URL("../../../dist/cli/main.js", import.meta.url));

/** A program that has not done what a test waits for by then has failed. */
const DEADLINE_MS = 15_000;

/** How a program ended; a signal's name when that ended it. */
export type Exit = number | NodeJS.Signals;

/** A program of this project as a process of its own, as a user runs it. */
export class RunningProgram {
  static readonly #running = new Set<RunningProgram>();

  readonly process: ChildProcessWithoutNullStreams;
  readonly exited: Promise<Exit>;
  stdout = "";
  stderr = "";
  readonly #name: string;

  /** Starts `file` with `args`, without the colours that a test runner asks for. */
  constructor(file: string, args: readonly string[]) {
    this.#name = [file, ...args].join(" ");
    const { FORCE_COLOR: _, NO_COLOR: __, ...env } = process.env;
    this.process = spawn(file, args, { cwd: root, env });
    this.process.stdout.setEncoding("utf8").on("data", (text: string) => (this.stdout += text));
    this.process.stderr.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
    // Writing to a program that has ended is what some tests do.
    this.process.stdin.on("error", () => {});
    RunningProgram.#running.add(this);
    // Unlike "exit" it comes when all output is here.
    this.exited = once(this.process, "close").then(([code, signal]) => {
      RunningProgram.#running.delete(this);
      return (code ?? signal) as Exit;
    });
  }

  /** Ends what the tests of a file have left running; for `afterEach` or `afterAll`. */
  static async endAll(): Promise<void> {
    await Promise.all([...RunningProgram.#running].map((program) => program.#end()));
  }

  /** Asks it to end, since it may have to end programs of its own, and insists in the end. */
  async #end(): Promise<void> {
    const insist = setTimeout(() => {
      this.process.kill("SIGKILL");
      // A child process that inherited the outputs must not keep the test waiting.
      this.process.stdout.destroy();
      this.process.stderr.destroy();
    }, 8_000);
    this.process.kill("SIGCONT");
    this.process.kill("SIGTERM");
    await this.exited;
    clearTimeout(insist);
  }

  get pid(): number {
    return this.process.pid!;
  }

  /** Waits until the program has written what matches, colours aside, to either of its outputs. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const { stdout, stderr } = this.process;
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        for (const stream of [stdout, stderr]) stream.off("data", look);
        settle();
      };
      const look = (): void => {
        const found = pattern.exec(plain(this.stdout)) ?? pattern.exec(plain(this.stderr));
        if (found !== null) done(() => resolve(found));
      };
      const fail = (why: string): void => {
        const error = new Error(`${this.#name} ${why} saying ${pattern}:\n${this.output}`);
        done(() => reject(error));
      };
      const timer = setTimeout(() => fail("went on without"), DEADLINE_MS);
      for (const stream of [stdout, stderr]) stream.on("data", look);
      void this.exited.then(() => fail("ended without"));
      look();
    });
  }

  get output(): string {
    return `${this.stdout}${this.stderr}`;
  }

  type(text: string): void {
    this.process.stdin.write(text);
  }

  endInput(): void {
    this.process.stdin.end();
  }

  /** Sends a signal and waits for the end. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> {
    this.process.kill(signal);
    return this.exited;
  }
}

/** A text without what steers a terminal. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- escape sequences are what is looked for
  return text.replace(/\u001b\[[0-9;]*[A-Za-z]/g, "").replaceAll("\r", "");
}

/** Starts `longwire` with these arguments. */
export function longwire(...args: string[]): RunningProgram {
  return new RunningProgram(process.execPath, [command, ...args]);
}

/** Runs `longwire` with this input to its end. */
export async function runLongwire(args: readonly string[], input = ""): Promise<RunningProgram> {
  const program = longwire(...args);
  program.process.stdin.end(input);
  await program.exited;
  return program;
}

/** Starts `longwire` as a person would, in a terminal. `script` is a part of every Linux. */
export function longwireInTerminal(...args: string[]): RunningProgram {
  const line = [process.execPath, command, ...args].map((word) => `'${word}'`).join(" ");
  return new RunningProgram("script", ["--quiet", "--return", "--command", line, "/dev/null"]);
}
