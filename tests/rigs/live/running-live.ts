import type { ServerResponse } from "node:http";
import { onTestFinished } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { LiveServer } from "../../../src/live/index.ts";
import type { LiveServerOptions } from "../../../src/live/index.ts";
import { WebSocketServer } from "../../../src/server/index.ts";
import { clientKinds, LEVEL_1, type LiveClient } from "./live-client.ts";

export type LiveOptions = Omit<LiveServerOptions, "broker"> & Partial<LiveServerOptions>;

/** The classes of one version. */
export interface ServerVersion {
  readonly LiveServer: typeof LiveServer;
  readonly WebSocketServer: typeof WebSocketServer;
  readonly MemoryBroker: typeof MemoryBroker;
}

/** A live server on a real port. */
export class RunningLive {
  readonly live: LiveServer;
  readonly server: WebSocketServer;
  readonly port: number;
  /** The responses to all plain requests whose head was read, including unanswered ones. */
  readonly responses: ServerResponse[] = [];

  private constructor(live: LiveServer, server: WebSocketServer, port: number) {
    this.live = live;
    this.server = server;
    this.port = port;
    const handle = server.handleRequest.bind(server);
    server.handleRequest = (incoming, response) => {
      this.responses.push(response as ServerResponse);
      return handle(incoming, response);
    };
  }

  /** Starts one that ends with the test. @param version whose server it is. Default: this one */
  static async start(options: LiveOptions, version?: ServerVersion): Promise<RunningLive> {
    const running = await RunningLive.open(options, version);
    onTestFinished(() => running.close());
    return running;
  }

  /** Starts one that the caller closes. */
  static async open(
    options: LiveOptions,
    version: ServerVersion = { LiveServer, WebSocketServer, MemoryBroker },
  ): Promise<RunningLive> {
    const { clock, ledger } = options;
    const broker = new version.MemoryBroker({ ...(clock && { clock }) });
    const live = await version.LiveServer.open({ broker, ...options });
    const endpoint = live.endpoint("/live");
    const server = new version.WebSocketServer(endpoint, { ...(ledger && { ledger }) });
    const { port } = await server.listen();
    return new RunningLive(live, server, port);
  }

  async close(): Promise<void> {
    await this.server.close({ timeoutMs: 200 });
    await this.live.close();
  }

  get topic(): LiveServer["topic"] {
    return (name) => this.live.topic(name);
  }

  url(path = "/live"): string {
    return `ws://127.0.0.1:${this.port}${path}`;
  }

  http(path: string): string {
    return `http://127.0.0.1:${this.port}/live/${path}`;
  }

  /** Connects at Level 0; `target` is the topic and perhaps a query. */
  async level0(target: string, kind: keyof typeof clientKinds = "ws"): Promise<LiveClient> {
    const client = clientKinds[kind](this.url(`/live/${target}`));
    await client.opened;
    return client;
  }

  /** Connects at Level 1, and takes the welcome. */
  async level1(kind: keyof typeof clientKinds = "ws"): Promise<LiveClient> {
    const client = clientKinds[kind](this.url(), LEVEL_1);
    await client.next();
    return client;
  }
}
