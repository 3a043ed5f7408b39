import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { openBroker, type BrokerPlace } from "longwire/brokers";
import { LiveServer } from "longwire/live";
import {
  healthEndpoints,
  hostPolicyFor,
  isHostAllowed,
  LongwireError,
  WebSocketServer,
  type HostPolicy,
} from "longwire/server";
import sirv from "sirv";
import { type MonitorApi, monitorMethods } from "./actions.ts";
import { BrowserLinks } from "./browser-links.ts";
import { keepInventory } from "./inventory.ts";
import { monitorApi } from "./topics.ts";
import { identify, isOwnOrigin } from "./visitors.ts";

/** Short, so that a device whose network fails silently goes offline within seconds. */
const KEEPALIVE_MS = 5_000;

/** Includes where topics are stored; default: in memory. */
export interface MonitorOptions extends BrokerPlace {
  port: number;
  host: string;
  /** The name of this server among those of a cluster. */
  nodeName: string;
  /** The folder of the built page. */
  page: string;
  /** The accepted Host names. Default on a loopback address: names of this machine. */
  allowHost?: readonly string[];
  /** Origins of other sites whose pages may use the topics, in addition to the monitor's own. */
  origins?: readonly string[];
}

/** The device monitor: its topics, its page, and the endpoints of the tour. */
export class MonitorServer {
  readonly #http: Server;
  readonly #live: LiveServer<MonitorApi>;
  readonly #sockets: WebSocketServer;
  readonly #links = new BrowserLinks();
  readonly #connections = new Set<Socket>();
  readonly #pages: (request: IncomingMessage, response: ServerResponse) => void;

  readonly #hosts: HostPolicy;

  private constructor(
    live: LiveServer<MonitorApi>,
    page: string,
    { hosts, origins }: { hosts: HostPolicy; origins: readonly string[] },
  ) {
    this.#live = live;
    this.#hosts = hosts;
    const endpoint = { ...live.endpoint("/live"), origins };
    const endpoints = [endpoint, ...healthEndpoints(() => live.whyNotReady)];
    this.#sockets = new WebSocketServer(endpoints, { keepaliveIntervalMs: KEEPALIVE_MS, hosts });
    this.#pages = sirv(page, { etag: true, gzip: true, brotli: true, setHeaders: setCaching });
    this.#http = createServer((request, response) => this.#request(request, response));
    this.#http.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
    this.#http.on("upgrade", (request: IncomingMessage) => {
      if (this.#links.note(request)) this.#links.meterHandshake(request);
      else request.socket.destroy();
    });
    this.#sockets.attach(this.#http);
    keepInventory(live.topic("devices"), live.topic("inventory"));
  }

  /**
   * Starts the monitor. @throws LongwireError `address_in_use`, and those of `openBroker`, as a
   * rejection
   */
  static async start(options: MonitorOptions): Promise<MonitorServer> {
    const { port, host, page, nodeName, allowHost = [], origins = [], ...place } = options;
    const live: LiveServer<MonitorApi> = await LiveServer.open({
      ...monitorApi,
      methods: monitorMethods(() => live),
      authenticate: identify,
      nodeName,
      broker: await openBroker(place),
    });
    const monitor = new MonitorServer(live, page, {
      hosts: hostPolicyFor(host, allowHost),
      origins,
    });
    await monitor.#listen(port, host);
    return monitor;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }

  /** Drains: asks all clients to reconnect elsewhere, and takes at most two seconds. */
  async close(): Promise<void> {
    const stopped = new Promise((resolve) => this.#http.close(resolve));
    await this.#sockets.close({ timeoutMs: 2_000 });
    // Includes sockets of late handshakes, which nobody would answer.
    for (const socket of this.#connections) socket.destroy();
    await stopped;
    await this.#live.close();
  }

  #listen(port: number, host: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#http.once("error", (cause: NodeJS.ErrnoException) => {
        const taken = cause.code === "EADDRINUSE";
        const message = taken
          ? `Port ${port} is in use by another program; stop that program or choose another with --port.`
          : `Cannot listen on ${host}:${port} (${cause.message}); choose others with --host and --port.`;
        reject(new LongwireError(taken ? "address_in_use" : "cannot_listen", message, { cause }));
      });
      this.#http.listen({ port, host }, resolve);
    });
  }

  #request(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "/").split("?")[0]!;
    const { host } = request.headers;
    if (!isHostAllowed(this.#hosts, host)) {
      const message = `This monitor is not ${JSON.stringify(host)}; use its own name, or start it with --allow-host.`;
      answerJson(response, { code: "foreign_host", message }, 421);
    } else if (!this.#links.note(request)) {
      request.socket.destroy();
    } else if (path === "/demo/cut" && request.method === "POST") {
      this.#cut(request, response).catch(() => response.destroy());
    } else if (path === "/demo/time") {
      answerJson(response, { now: Date.now() });
    } else if (path === "/demo/wire") {
      answerJson(response, this.#links.meters(request));
    } else if (path.startsWith("/live/")) {
      this.#links.meter(request, response, formOf(request));
      this.#sockets.handleRequest(request, response);
    } else if (!this.#sockets.handleRequest(request, response)) {
      this.#links.mark(request, response);
      this.#pages(request, response);
    }
  }

  async #cut(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { origin, host } = request.headers;
    if (!isOwnOrigin(origin, host)) {
      const message = `Pages of ${origin} may not cut this network.`;
      return answerJson(response, { code: "foreign_origin", message }, 403);
    }
    const seconds = secondsOf(await bodyOf(request));
    answerJson(response, { seconds });
    // The answer is sent first, so that the page can tell the result of its request from the cut.
    response.once("finish", () => this.#links.cut(request, seconds));
  }
}

/** Built files have a hash of their content in their names; the page itself is always asked for. */
function setCaching(response: ServerResponse, path: string): void {
  const isHashed = path.startsWith("/assets/");
  response.setHeader(
    "Cache-Control",
    isHashed ? "public, max-age=31536000, immutable" : "no-cache",
  );
}

/** No valid body is longer. */
const MAX_BODY_BYTES = 1_000;

/** @throws the connection's error, as a rejection */
async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = "";
  // Always read to the end, because an abandoned request body would lose the answer.
  for await (const chunk of request.setEncoding("utf8") as AsyncIterable<string>) {
    if (text.length <= MAX_BODY_BYTES) text += chunk;
  }
  return text;
}

const DEFAULT_CUT_SECONDS = 5;

function secondsOf(text: string): number {
  try {
    const { seconds } = JSON.parse(text) as { seconds?: unknown };
    return typeof seconds === "number" && seconds > 0 ? seconds : DEFAULT_CUT_SECONDS;
  } catch {
    return DEFAULT_CUT_SECONDS;
  }
}

/** The compared form of a request; an EventSource cannot set a header. */
function formOf(request: IncomingMessage): string {
  if (request.headers.accept?.includes("text/event-stream") === true) return "sse";
  const named = request.headers["x-meter"];
  return typeof named === "string" ? named : "";
}

function answerJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store" });
  response.end(JSON.stringify(value));
}
