import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";
import { WebSocket } from "ws";
import { goal } from "./goal.ts";
import type { Target } from "./target.ts";

/** The abuser is at 127.0.0.1. */
const ADDRESS = "127.0.0.2";
const TOKEN = "user-2";
const EVERY_MS = 500;
const PUBLISHED_BYTES = 300_000;
/** A request to /healthz that takes longer is given up. */
const GIVE_UP_MS = 10_000;

/** The service that a well-behaved client received. */
export interface Seen {
  publishes: number;
  slowestPublishMs: number;
  /** Publishes that were not acknowledged in time, or refused, and why. */
  lost: string[];
  checks: number;
  slowestHealthMs: number;
  failedChecks: string[];
}

/** Another client of the same server: another address, another identity. */
export class Bystander {
  readonly #target: Target;
  #socket: WebSocket | undefined;
  #connecting: Promise<WebSocket> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #nextId = 1;
  #doesPublish = true;
  #isClosed = false;
  readonly #waiting = new Map<number, (message: Answer) => void>();
  readonly #pending = new Set<Promise<void>>();
  seen: Seen = nothing();

  constructor(target: Target) {
    this.#target = target;
  }

  /** Begins to publish and to ask for /healthz. */
  async start(): Promise<void> {
    await this.#connect();
    this.#timer = setInterval(() => {
      this.#await(this.#check());
      if (this.#doesPublish) this.#await(this.publishOwn());
    }, EVERY_MS);
  }

  /** Starts the measurement again. */
  reset(): void {
    this.seen = nothing();
  }

  stopPublishing(): void {
    this.#doesPublish = false;
  }

  /** Publishes to its own topic and sees how long that takes. */
  async publishOwn(): Promise<void> {
    const { seen } = this;
    const data = { name: "bystander", deviceType: "AP", text: "b".repeat(PUBLISHED_BYTES) };
    const startedAt = performance.now();
    seen.publishes += 1;
    const topic = this.#target.bystanderTopic;
    const answer = await this.ask({ type: "publish", topic, key: "bystander", data });
    const tookMs = performance.now() - startedAt;
    seen.slowestPublishMs = Math.max(seen.slowestPublishMs, tookMs);
    if (answer.type !== "published") seen.lost.push(answer.code ?? answer.type);
  }

  /** Sends a Level 1 request. Never rejects: what went wrong is an answer of type `none`. */
  async ask(request: object): Promise<Answer> {
    const socket = await this.#connected();
    if (socket === undefined) return { type: "none", code: "could not connect" };
    const id = this.#nextId++;
    return new Promise((resolve) => {
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => settle({ type: "none", code: "no answer" }), goal.publishMs);
      this.#waiting.set(id, settle);
      socket.send(JSON.stringify({ id, ...request }));
    });
  }

  /**
   * The status and the body of a GET on a fresh connection.
   *
   * @param localAddress from where; default the bystander's own address
   */
  get(
    path: string,
    {
      headers = {},
      localAddress = ADDRESS,
    }: { headers?: Record<string, string>; localAddress?: string } = {},
  ): Promise<{ status: number; body: string }> {
    const { host, port, isTls, asksForToken } = this.#target;
    const authorization = asksForToken ? { Authorization: `Bearer ${TOKEN}` } : {};
    const options = {
      host,
      port,
      path,
      localAddress,
      agent: false,
      rejectUnauthorized: false,
      headers: { ...authorization, ...headers },
    };
    return new Promise((resolve, reject) => {
      const request = (isTls ? requestTls : requestPlain)(options, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
        response.on("error", reject);
      });
      request.on("error", reject);
      request.setTimeout(GIVE_UP_MS, () => request.destroy(new Error("no answer")));
      request.end();
    });
  }

  /** Waits for what it has asked for already, then leaves. */
  async finish(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
    this.close();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#socket?.terminate();
  }

  #await(act: Promise<void>): void {
    this.#pending.add(act);
    void act.finally(() => this.#pending.delete(act));
  }

  async #check(): Promise<void> {
    const { seen } = this;
    const startedAt = performance.now();
    seen.checks += 1;
    const failure = await this.get("/healthz").then(
      ({ status }) => (status === 200 ? undefined : `status ${status}`),
      (error: NodeJS.ErrnoException) => error.code ?? error.message,
    );
    seen.slowestHealthMs = Math.max(seen.slowestHealthMs, performance.now() - startedAt);
    if (failure !== undefined) seen.failedChecks.push(failure);
  }

  /** An open connection; several requests may wait for the same one. */
  async #connected(): Promise<WebSocket | undefined> {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket;
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return this.#connecting.catch(() => undefined);
  }

  #connect(): Promise<WebSocket> {
    const { host, port, isTls, asksForToken } = this.#target;
    const url = `${isTls ? "wss" : "ws"}://${host}:${port}/live`;
    const socket = new WebSocket(url, "longwire.v1", {
      localAddress: ADDRESS,
      rejectUnauthorized: false,
      handshakeTimeout: GIVE_UP_MS,
      perMessageDeflate: false,
      headers: asksForToken ? { Authorization: `Bearer ${TOKEN}` } : {},
    });
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Answer & { id?: number };
      if (message.id !== undefined) this.#waiting.get(message.id)?.(message);
    });
    return new Promise((resolve, reject) => {
      // Its credentials are accepted then: before, a message may have 16 KiB.
      socket.once("message", () => resolve(socket));
      socket.once("close", () => {
        reject(new Error("closed"));
        if (this.#isClosed || this.#socket !== socket) return;
        for (const settle of this.#waiting.values()) settle({ type: "none", code: "was cut" });
      });
    });
  }
}

interface Answer {
  type: string;
  code?: string;
  message?: string;
}

function nothing(): Seen {
  return {
    publishes: 0,
    slowestPublishMs: 0,
    lost: [],
    checks: 0,
    slowestHealthMs: 0,
    failedChecks: [],
  };
}
