import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sirv from "sirv";
import * as v from "valibot";
import { build } from "vite";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer, logTopic, method } from "../../src/live/index.ts";
import { WebSocketServer } from "../../src/server/index.ts";

const device = v.object({ name: v.string(), deviceType: v.string(), clients: v.number() });

const api = {
  topics: [
    keyedTopic("devices", {
      data: device,
      params: v.object({ deviceType: v.optional(v.string()) }),
      clientPublish: true,
      match: ({ deviceType }, { data }) =>
        deviceType === undefined || deviceType === data.deviceType,
    }),
    logTopic("news", { data: v.string(), clientPublish: true, presence: true }),
  ],
  methods: {
    double: method({ params: v.number(), handle: (value) => 2 * value }),
  },
} as const;

export type Api = typeof api;
export type Device = v.InferOutput<typeof device>;

/** A live server on a real port, beside a page that is built for it. */
export class ServedLive {
  readonly live: LiveServer<Api>;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<Socket>();
  readonly #page: string;

  private constructor(live: LiveServer<Api>, page: string) {
    this.live = live;
    this.#page = page;
    this.#sockets = new WebSocketServer(live.endpoint("/live"));
    const files = sirv(page);
    this.#http = createServer((request, response) => {
      if (!this.#sockets.handleRequest(request, response)) files(request, response);
    });
    this.#http.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    this.#sockets.attach(this.#http);
  }

  static async start(): Promise<ServedLive> {
    const page = await mkdtemp(join(tmpdir(), "longwire-page-"));
    await build({
      root: join(import.meta.dirname, "page"),
      configFile: false,
      logLevel: "error",
      build: { outDir: page, emptyOutDir: true, target: "es2022" },
    });
    const live = await LiveServer.open({ ...api, broker: new MemoryBroker() });
    const served = new ServedLive(live, page);
    await new Promise<void>((resolve) => served.#http.listen(0, "127.0.0.1", resolve));
    return served;
  }

  get host(): string {
    return `127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  /** The topic's state, as a plain request is told. */
  async devices(): Promise<Record<string, Device>> {
    const response = await fetch(`http://${this.host}/live/devices`);
    const { entries } = (await response.json()) as { entries: { key: string; data: Device }[] };
    return Object.fromEntries(entries.map(({ key, data }) => [key, data]));
  }

  /** Cuts all connections at this moment, without a close frame. */
  cut(): void {
    for (const socket of this.#connections) socket.destroy();
  }

  async close(): Promise<void> {
    const stopped = new Promise((resolve) => this.#http.close(resolve));
    await this.#sockets.close({ timeoutMs: 200 });
    this.cut();
    await stopped;
    await this.live.close();
    await rm(this.#page, { recursive: true, force: true });
  }
}
