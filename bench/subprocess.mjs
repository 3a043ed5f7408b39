import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { pinned } from "./cores.mjs";

/** The prefix of an answer; other output of a process is ignored. */
export const ANSWER = "bench:";

const running = new Set();

/** Ends all that were started; nothing is left behind. */
export function killAll() {
  for (const subprocess of running) subprocess.kill();
}

/**
 * A process that answers requests: one line of JSON each, through its standard input and output.
 * That way is the same for Node and Bun, and tells the process when its parent is gone.
 */
export class Subprocess {
  #name;
  #child;
  #waiting;
  #printed = "";
  #gone;
  #ended;

  /**
   * @param {string} name what it is called in errors
   * @param {string[]} command
   * @param {{ core?: number, env?: Record<string, string>, cwd?: string }} [options]
   */
  constructor(name, command, { core, env, cwd } = {}) {
    this.#name = name;
    const [program, ...args] = pinned(core, command);
    this.#child = spawn(program, args, { cwd, env: { ...process.env, ...env } });
    running.add(this);
    this.#ended = new Promise((resolve) => {
      this.#child.on("error", (error) => this.#end(error.message, resolve));
      this.#child.on("exit", (code, signal) =>
        this.#end(signal === null ? `ended with ${code}` : `was ended by ${signal}`, resolve),
      );
    });
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.on("data", (data) => this.#print(String(data)));
    createInterface({ input: this.#child.stdout }).on("line", (line) => this.#read(line));
  }

  get pid() {
    return this.#child.pid;
  }

  /** How it ended, and what it printed last; undefined while it runs. */
  get ending() {
    if (this.#gone === undefined) return undefined;
    const printed = oneLine(this.#printed);
    return `${this.#name} ${this.#gone}${printed && `: ${printed}`}`;
  }

  /**
   * @param {object} message
   * @param {number} timeoutMs after which it is killed
   * @returns {Promise<any>} its answer; rejects with what it failed of
   */
  request(message, timeoutMs) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#settle(new Error(`${this.#name} did not answer for ${timeoutMs / 1000} s`));
        this.kill();
      }, timeoutMs);
      this.#waiting = { resolve, reject, timer };
      if (this.#gone !== undefined) return this.#fail();
      this.#child.stdin.write(`${JSON.stringify(message)}\n`);
    });
  }

  kill() {
    this.#child.kill("SIGKILL");
  }

  /** Kills it and resolves when it is gone, so that what follows is not disturbed by its end. */
  async stop() {
    this.kill();
    await this.#ended;
  }

  #read(line) {
    if (!line.startsWith(ANSWER)) return this.#print(`${line}\n`);
    const { value, error } = JSON.parse(line.slice(ANSWER.length));
    if (error === undefined) return this.#settle(undefined, value);
    this.#settle(
      Object.assign(new Error(oneLine(error.message)), { isUnsupported: error.isUnsupported }),
    );
  }

  #settle(error, value) {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    clearTimeout(waiting.timer);
    if (error === undefined) waiting.resolve(value);
    else waiting.reject(error);
  }

  #end(how, resolve) {
    running.delete(this);
    this.#gone = how;
    this.#fail();
    resolve();
  }

  #fail() {
    this.#settle(new Error(this.ending));
  }

  /** The end of what it printed says most. */
  #print(text) {
    this.#printed = (this.#printed + text).slice(-4000);
  }
}

/** The output of a crash, without the source line, the stack and the path of this folder. */
function oneLine(text) {
  const lines = text.split("\n").map((line) => line.trim());
  const said = lines.filter((line) => /^(?!at |Node\.js v|node:|file:).*[\p{L}\d]/u.test(line));
  return said.join(" ").replaceAll(`${process.cwd()}/`, "").slice(-400);
}
