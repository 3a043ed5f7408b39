import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EngineProcess, freePort } from "./engine-process.ts";

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

/** Debian's `nats-server`, with JetStream. */
export class NatsServer extends EngineProcess {
  readonly #options: NatsServerOptions;
  readonly #route: Route | undefined;

  private constructor(options: NatsServerOptions, route?: Route) {
    super("nats-server", "Server is ready");
    this.#options = options;
    this.#route = route;
  }

  static start(options: NatsServerOptions = {}): Promise<NatsServer> {
    return new NatsServer(options).start();
  }

  /** Servers that keep streams together; all of them are there when this resolves. */
  static async startCluster(count: number): Promise<NatsServer[]> {
    const ports = await Promise.all(Array.from({ length: count }, freePort));
    return Promise.all(
      ports.map((port, at) => new NatsServer({}, { name: `n${at}`, port, others: ports }).start()),
    );
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** The name that it has in its cluster. */
  get name(): string {
    return this.#route?.name ?? "";
  }

  /** Where it keeps its streams. */
  protected override get store(): string {
    return join(this.folder, "store");
  }

  protected override arguments(): string[] {
    mkdirSync(this.store, { recursive: true });
    const file = join(this.folder, "nats.conf");
    writeFileSync(file, this.#configuration());
    return ["-c", file];
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
