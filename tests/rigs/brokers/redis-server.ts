import { join } from "node:path";
import { EngineProcess, freePort } from "./engine-process.ts";

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

/** Debian's `redis-server`. */
export class RedisServer extends EngineProcess {
  /** Where the servers of its cluster talk to it. */
  busPort = 0;
  readonly #options: RedisServerOptions;

  private constructor(options: RedisServerOptions) {
    super("redis-server", "Ready to accept connections");
    this.#options = options;
  }

  static start(options: RedisServerOptions = {}): Promise<RedisServer> {
    return new RedisServer(options).start();
  }

  get url(): string {
    return `${this.#options.tls === undefined ? "redis" : "rediss"}://127.0.0.1:${this.port}`;
  }

  /** Where it keeps its data, if it is a durable one. */
  protected override get store(): string {
    return join(this.folder, "appendonlydir");
  }

  protected override async findPorts(): Promise<void> {
    await super.findPorts();
    if (this.#options.cluster === true) this.busPort = await freePort();
  }

  protected override arguments(): string[] {
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
}
