import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Another program may take a free port before the engine uses it, so starting is retried. */
const ATTEMPTS = 5;

const running = new Set<EngineProcess>();

/** Stops the engines that the tests of a file have left running; for `afterAll`. */
export async function stopEngines(): Promise<void> {
  await Promise.all([...running].map((engine) => engine.stop()));
}

/** Returns the end of what each running engine has said, for failures that cannot be repeated. */
export function saidByEngines(): string {
  return [...running].map(({ port, output }) => `${port}:\n${output}`).join("\n");
}

/** A server program that stores topics, on a free port, with its own folder. */
export abstract class EngineProcess {
  port = 0;
  readonly folder: string;
  readonly #program: string;
  readonly #isReady: string;
  #process: ChildProcess | undefined;
  #output = "";

  /** @param isReady what it says when it can be used */
  protected constructor(program: string, isReady: string) {
    this.#program = program;
    this.#isReady = isReady;
    this.folder = mkdtempSync(join(tmpdir(), `longwire-${program}-`));
  }

  /** The end of what it has said. */
  get output(): string {
    return this.#output;
  }

  abstract get url(): string;

  /** The folder in its own where it keeps what is to outlive it. */
  protected abstract get store(): string;

  /** How it is started, with what is in its folder. */
  protected abstract arguments(): readonly string[];

  /** Ports beside `port`, should it need some. */
  protected async findPorts(): Promise<void> {
    this.port = await freePort();
  }

  protected async start(): Promise<this> {
    running.add(this);
    for (let attempt = 1; ; attempt += 1) {
      await this.findPorts();
      try {
        await this.restart();
        return this;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Starts it again, on its port and with what is in its folder. */
  async restart(): Promise<void> {
    this.#output = "";
    const child = spawn(this.#program, this.arguments(), { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    await new Promise<void>((resolve, reject) => {
      child.on("error", reject);
      child.once("exit", () => reject(new Error(`${this.#program} has ended:\n${this.#output}`)));
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding("utf8").on("data", (text: string) => {
          this.#output = (this.#output + text).slice(-10_000);
          if (this.#output.includes(this.#isReady)) resolve();
        });
      }
    });
  }

  /** SIGKILL, and it is gone when this resolves. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  /** SIGSTOP, and all of its threads stand still when this resolves. */
  async pause(): Promise<void> {
    const threads = `/proc/${this.#process?.pid}/task`;
    this.signal("SIGSTOP");
    const isRunning = (thread: string): boolean =>
      !/\) T /.test(readFileSync(join(threads, thread, "stat"), "utf8"));
    while (readdirSync(threads).some(isRunning)) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Goes on after a pause. */
  resume(): void {
    this.signal("SIGCONT");
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(signal);
  }

  /** Takes away all that it keeps, while it does not run. */
  empty(): void {
    rmSync(this.store, { recursive: true, force: true });
  }

  /** Makes a copy of all that it keeps, while it does not run. */
  backUp(): void {
    cpSync(this.store, this.#backup, { recursive: true });
  }

  /** Puts the copy in the place of what it keeps, while it does not run. */
  restore(): void {
    this.empty();
    cpSync(this.#backup, this.store, { recursive: true });
  }

  get #backup(): string {
    return join(this.folder, "backup");
  }

  async stop(): Promise<void> {
    running.delete(this);
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
