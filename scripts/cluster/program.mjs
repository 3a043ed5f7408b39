import { spawn } from "node:child_process";
import { connect } from "node:net";

/** How long a program may take to stop before it is killed, in ms. */
const STOP_MS = 8_000;
const LOOK_MS = 50;

/** A program of the cluster. Its output is shown only if it does not start. */
export class Program {
  /** Called when it has ended by itself, or was killed by somebody else. */
  onEnded = () => {};
  #command;
  #args;
  #process;

  constructor(name, command, args) {
    this.name = name;
    this.#command = command;
    this.#args = args;
  }

  get pid() {
    return this.#process.pid;
  }

  /**
   * @param isReady what it says when it can be used
   * @param port where it listens then, if it prints nothing
   * @throws Error as a rejection, with what it said, if it ends instead
   */
  async start(isReady, port) {
    // A group of its own: the terminal's Ctrl-C is for us, who know the order.
    const child = spawn(this.#command, this.#args, {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#process = child;
    let said = "";
    let heard = () => {};
    for (const output of [child.stdout, child.stderr]) {
      output.setEncoding("utf8").on("data", (text) => {
        said = (said + text).slice(-10_000);
        heard();
      });
    }
    await new Promise((resolve, reject) => {
      const fail = (why) => reject(new Error(`${this.name} does not start (${why}).\n${said}`));
      child.once("error", (error) => fail(error.message));
      child.once("exit", fail);
      if (isReady !== undefined) heard = () => isReady.test(said) && resolve();
      else if (port !== undefined) void untilListening(port, child).then(resolve);
      else resolve();
    });
    child.removeAllListeners("exit");
    child.once("exit", (code, signal) => this.onEnded(signal ?? `exit code ${code}`));
  }

  /** Asks it to end, and resolves when it has. */
  async stop() {
    const child = this.#process;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const late = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
    await gone;
    clearTimeout(late);
  }
}

async function untilListening(port, child) {
  while (child.exitCode === null) {
    const isThere = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("close", () => {});
      socket.once("connect", () => socket.destroy());
    });
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
