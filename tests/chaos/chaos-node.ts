import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Engine } from "./engine.ts";

const program = fileURLToPath(new URL("node-process.mjs", import.meta.url));
/** It may be started while the broker is away. */
const PAUSE_BETWEEN_STARTS_MS = 200;

export interface NodeSettings {
  engine: Engine["name"];
  /** Of the broker, through the node's own network; several with commas between. */
  url: string;
  serverLeaseMs: number;
  /** A broker that goes wrong on purpose: once in so many events, counted from `from` on. */
  mutation?: { does: "drop" | "double"; every: number; from: number } | undefined;
}

/** A server process, and the one that follows it, on one port. */
export class ChaosNode {
  readonly #settings: NodeSettings;
  #process: ChildProcess | undefined;
  /** Where it listens; 0 before the first start. */
  port = 0;
  /** Whether new clients can come. */
  isUp = false;
  /** A fault has it, and no other fault may. */
  isBusy = false;
  #isGone = false;

  constructor(settings: NodeSettings) {
    this.#settings = settings;
  }

  /** Starts it, as often as it takes: what runs servers does so, too. */
  async start(): Promise<void> {
    while (!this.#isGone) {
      if (await this.#startOnce()) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_BETWEEN_STARTS_MS));
    }
  }

  /** SIGKILL, and it is gone when this resolves. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGTERM: it tells its clients to come back, to whomever. */
  drain(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Stops it where it is; its sockets stay, and answer nothing. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#isGone = true;
    await this.kill();
  }

  async #startOnce(): Promise<boolean> {
    const settings = JSON.stringify({ ...this.#settings, port: this.port });
    const child = fork(program, [settings], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#process = child;
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
    const [message] = (await Promise.race([once(child, "message"), once(child, "exit")])) as [
      { listening?: number } | number | null,
    ];
    if (typeof message === "object" && message?.listening !== undefined) {
      this.port = message.listening;
      this.isUp = true;
      return true;
    }
    if (!/cannot be reached|unavailable/.test(said)) throw new Error(`A node has ended:\n${said}`);
    return false;
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.isUp = false;
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    // One that is stopped hears SIGTERM only then.
    child.kill("SIGCONT");
    await gone;
  }
}
