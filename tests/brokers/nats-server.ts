import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Between finding a free port and using it another program may have taken it. */
const ATTEMPTS = 5;

export interface NatsServerOptions {
  /** More of its configuration, in its own language. */
  settings?: string;
  /** Whether it has JetStream. Default true. */
  jetStream?: boolean;
}

interface Route {
  name: string;
  port: number;
  others: readonly number[];
}

/** Debian's `nats-server` with JetStream on a free port, with a folder of its own. */
export class NatsServer {
  static readonly #running = new Set<NatsServer>();

  port = 0;
  readonly folder: string = mkdtempSync(join(tmpdir(), "longwire-nats-"));
  readonly #options: NatsServerOptions;
  readonly #route: Route | undefined;
  #process: ChildProcess | undefined;

  private constructor(options: NatsServerOptions, route?: Route) {
    this.#options = options;
    this.#route = route;
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    return NatsServer.#start(() => new NatsServer(options));
  }

  /** Servers that keep streams together; all of them are there when this resolves. */
  static async startCluster(count: number): Promise<NatsServer[]> {
    const ports = await Promise.all(Array.from({ length: count }, freePort));
    return Promise.all(
      ports.map((port, at) =>
        NatsServer.#start(() => new NatsServer({}, { name: `n${at}`, port, others: ports })),
      ),
    );
  }

  /** Ends those that the tests of a file have left running; for `afterAll`. */
  static async stopAll(): Promise<void> {
    await Promise.all([...NatsServer.#running].map((server) => server.stop()));
  }

  static async #start(make: () => NatsServer): Promise<NatsServer> {
    const server = make();
    NatsServer.#running.add(server);
    for (let attempt = 1; ; attempt += 1) {
      server.port = await freePort();
      try {
        await server.restart();
        return server;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** The name that it has in its cluster. */
  get name(): string {
    return this.#route?.name ?? "";
  }

  /** Where it keeps its streams. */
  get store(): string {
    return join(this.folder, "store");
  }

  /** Starts it again, on its port and with what is in its folder. */
  async restart(): Promise<void> {
    mkdirSync(this.store, { recursive: true });
    const file = join(this.folder, "nats.conf");
    writeFileSync(file, this.#configuration());
    const child = spawn("nats-server", ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    let output = "";
    await new Promise<void>((resolve, reject) => {
      child.on("error", reject);
      child.once("exit", () => reject(new Error(`nats-server has ended:\n${output}`)));
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (output.includes("Server is ready")) resolve();
      });
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
    NatsServer.#running.delete(this);
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #configuration(): string {
    const { jetStream = true, settings = "" } = this.#options;
    const lines = [`listen: "127.0.0.1:${this.port}"`, settings];
    if (jetStream) {
      lines.push(
        `jetstream { store_dir: "${this.store}", max_file_store: 1GB, max_mem_store: 1GB }`,
      );
    }
    if (this.#route !== undefined) {
      const { name, port, others } = this.#route;
      const routes = others.map((other) => `"nats://127.0.0.1:${other}"`).join(", ");
      lines.push(`server_name: ${name}`);
      lines.push(`cluster { name: c, listen: "127.0.0.1:${port}", routes: [${routes}] }`);
    }
    return lines.join("\n");
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
