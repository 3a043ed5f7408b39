import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Between finding a free port and using it another program may have taken it. */
const ATTEMPTS = 5;

export interface RedisServerOptions {
  /** Whether what was acknowledged is on disk. */
  durable?: boolean;
  /** Whether it can be one of a cluster. */
  cluster?: boolean;
  /** The files of a certificate: it speaks TLS only then. */
  tls?: { cert: string; key: string };
  /** More of its configuration, as arguments. */
  settings?: readonly string[];
}

/** Debian's `redis-server` on a free port, with a folder of its own. */
export class RedisServer {
  static readonly #running = new Set<RedisServer>();

  port = 0;
  /** Where the servers of its cluster talk to it. */
  busPort = 0;
  readonly folder: string = mkdtempSync(join(tmpdir(), "longwire-redis-"));
  readonly #options: RedisServerOptions;
  #process: ChildProcess | undefined;

  private constructor(options: RedisServerOptions) {
    this.#options = options;
  }

  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(options);
    RedisServer.#running.add(server);
    for (let attempt = 1; ; attempt += 1) {
      server.port = await freePort();
      server.busPort = options.cluster === true ? await freePort() : 0;
      try {
        await server.restart();
        return server;
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Ends those that the tests of a file have left running; for `afterAll`. */
  static async stopAll(): Promise<void> {
    await Promise.all([...RedisServer.#running].map((server) => server.stop()));
  }

  get url(): string {
    return `${this.#options.tls === undefined ? "redis" : "rediss"}://127.0.0.1:${this.port}`;
  }

  /** Starts it again, on its port and with what is in its folder. */
  async restart(): Promise<void> {
    const child = spawn("redis-server", this.#arguments(), { stdio: ["ignore", "pipe", "ignore"] });
    this.#process = child;
    let output = "";
    await new Promise<void>((resolve, reject) => {
      child.on("error", reject);
      child.once("exit", () => reject(new Error(`redis-server has ended:\n${output}`)));
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        output += text;
        if (output.includes("Ready to accept connections")) resolve();
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

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(signal);
  }

  #arguments(): string[] {
    const { durable = false, cluster = false, tls, settings = [] } = this.#options;
    const port = String(this.port);
    const where = ["--bind", "127.0.0.1", "--dir", this.folder];
    return [
      ...where,
      "--save",
      "",
      ...(tls === undefined ? ["--port", port] : ["--port", "0", "--tls-port", port]),
      ...(tls === undefined ? [] : ["--tls-cert-file", tls.cert, "--tls-key-file", tls.key]),
      ...(tls === undefined ? [] : ["--tls-ca-cert-file", tls.cert, "--tls-auth-clients", "no"]),
      ...(durable ? ["--appendonly", "yes", "--appendfsync", "always"] : ["--appendonly", "no"]),
      ...(cluster ? ["--cluster-enabled", "yes", "--cluster-port", String(this.busPort)] : []),
      ...settings,
    ];
  }

  async stop(): Promise<void> {
    RedisServer.#running.delete(this);
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
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
