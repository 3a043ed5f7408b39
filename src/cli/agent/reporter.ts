import { Backoff, LongwireError, shown } from "../../base/index.ts";
import { openWebSocket, type ClientOptions, type WebSocket } from "../../client/index.ts";
import {
  type Action,
  type ActionHandler,
  type ActionRequest,
  OfferedActions,
} from "./offered-actions.ts";

/** How often a device may be asked to report, in seconds. */
const FASTEST_SECONDS = 0.1;
const SLOWEST_SECONDS = 5;
/** Every report is acknowledged, so a server that is silent for this long is gone. */
const SILENCE_MS = 10_000;
/**
 * With more unsent bytes, the network is too slow, and the next report is worth more than this one.
 */
const MAX_UNSENT_BYTES = 64 * 1024;

/** The id of the message that offers the actions; reports have numbers. */
const OFFER_ID = "actions";

/** A device that reports under a name. */
export interface Reporting {
  readonly name: string;
  report(): object;
  /** If the device reboots within this time by itself, returns for how many seconds it is away. */
  reboot?(seconds: number): number | undefined;
  /** Restarts because it was asked to, and returns for how many seconds it is away. */
  restart(): number;
}

export interface ReporterOptions {
  /** The live server's URL, such as `ws://host:8080/live`. */
  url: string;
  topic: string;
  client: ClientOptions;
  /** The actions that the server may ask for. */
  actions: readonly Action[];
  log(line: string): void;
}

/** The parts of the server's messages that a reporter reads. */
interface ServerMessage extends Partial<Omit<ActionRequest, "id">> {
  readonly type?: string;
  readonly id?: number | string;
  readonly features?: readonly string[];
  readonly code?: string;
  readonly message?: string;
}

/**
 * Publishes a device's reports over one connection, reconnects after every loss, and does what the
 * server asks for.
 *
 * The topic's key is owned by this connection: when it ends, the server marks the device offline.
 */
export class Reporter {
  readonly #device: Reporting;
  readonly #options: ReporterOptions;
  readonly #backoff = new Backoff({ firstMs: 500, longestMs: 5_000 });
  readonly #actions: OfferedActions;
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #receivedAt = 0;
  #requests = 0;
  #everySeconds = 1;
  #stopped = false;
  /** Called when the server has accepted the next connection. */
  #onReturned = (): void => {};
  /** The last line logged, so that repeats are suppressed. */
  #lastLine = "";

  constructor(device: Reporting, options: ReporterOptions) {
    this.#device = device;
    this.#options = options;
    const handlers: Record<Action, ActionHandler> = {
      measure: () => this.#measure(),
      reportEvery: (params) => this.#reportEvery(params),
      restart: () => this.#restart(),
    };
    this.#actions = new OfferedActions(new Map(options.actions.map((one) => [one, handlers[one]])));
  }

  start(): void {
    const { url, client } = this.#options;
    const own = urlOf(url, this.#device.name);
    const socket = openWebSocket(own, { ...client, protocols: "longwire.v1" });
    this.#socket = socket;
    this.#receivedAt = performance.now();
    socket.addEventListener("message", (event) => this.#onMessage(socket, String(event.data)));
    socket.addEventListener("error", (event) => this.#log(event.message));
    socket.addEventListener("close", () => this.#reconnect(socket, this.#backoff.next()));
  }

  /** Closes the connection, so that the device goes offline immediately. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === socket.CLOSED) return;
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.close(1000, "agent stopped");
    await closed;
  }

  #onMessage(socket: WebSocket, text: string): void {
    this.#receivedAt = performance.now();
    const message = JSON.parse(text) as ServerMessage;
    if (message.type === "welcome") this.#onWelcome(socket, message);
    else if (message.type === "request") void this.#answer(socket, message as ActionRequest);
    else if (message.type === "published") this.#backoff.reset();
    else if (message.type === "error") this.#onRefused(message);
  }

  #onWelcome(socket: WebSocket, { features = [] }: ServerMessage): void {
    this.#log(`reporting ${this.#device.name} to ${this.#options.url}`);
    this.#report();
    if (features.includes("requests")) socket.send(this.#actions.offer(OFFER_ID));
    this.#onReturned();
  }

  #onRefused({ id, code, message = "no reason given" }: ServerMessage): void {
    if (id !== OFFER_ID) return this.#log(`the server refused a report: ${message}`);
    // Most servers ask for no actions, and need none.
    if (code !== "unknown_method") this.#log(`the server refused the actions: ${message}`);
  }

  async #answer(socket: WebSocket, request: ActionRequest): Promise<void> {
    const answer = await this.#actions.answer(request);
    // Over the next connection, a command is sent again under another id.
    if (socket.readyState === socket.OPEN) socket.send(answer);
  }

  #measure(): object {
    const report = this.#device.report();
    this.#publish(report);
    return report;
  }

  /** @throws LongwireError `invalid_params` */
  #reportEvery(params: unknown): { seconds: number } {
    const seconds = (params as { seconds?: unknown } | null | undefined)?.seconds;
    const isNumber = typeof seconds === "number";
    if (!isNumber || !(seconds >= FASTEST_SECONDS && seconds <= SLOWEST_SECONDS)) {
      const message = `seconds is ${shown(seconds)}; give a number from ${FASTEST_SECONDS} to ${SLOWEST_SECONDS}.`;
      throw new LongwireError("invalid_params", message);
    }
    this.#everySeconds = seconds;
    clearTimeout(this.#timer);
    this.#report();
    return { seconds };
  }

  /** Resolves when the device is back. */
  async #restart(): Promise<{ awaySeconds: number }> {
    const awaySeconds = this.#device.restart();
    const returned = new Promise<void>((resolve) => (this.#onReturned = resolve));
    this.#leave(awaySeconds);
    await returned;
    return { awaySeconds };
  }

  #report(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState !== socket.OPEN) return;
    if (performance.now() - this.#receivedAt > SILENCE_MS) {
      this.#log("the server is not responding; reconnecting");
      socket.close();
      return this.#reconnect(socket, 0);
    }
    const goneSeconds = this.#device.reboot?.(this.#everySeconds);
    if (goneSeconds !== undefined) return this.#leave(goneSeconds);
    if (socket.bufferedAmount < MAX_UNSENT_BYTES) this.#publish(this.#device.report());
    this.#timer = setTimeout(() => this.#report(), this.#everySeconds * 1_000);
  }

  #publish(report: object): void {
    this.#requests += 1;
    const data = { ...report, actions: this.#actions.names, reportsEvery: this.#everySeconds };
    const { topic } = this.#options;
    const publication = { topic, key: this.#device.name, data };
    this.#socket?.send(JSON.stringify({ type: "publish", id: this.#requests, ...publication }));
  }

  /** Goes offline, as a device that restarts does, and returns later. */
  #leave(seconds: number): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    socket.close(1000, "restarting");
    this.#reconnect(socket, seconds * 1_000);
  }

  /** Abandons `socket` and opens a new one later; once per socket. */
  #reconnect(socket: WebSocket, delayMs: number): void {
    if (this.#stopped || this.#socket !== socket) return;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), delayMs);
  }

  #log(line: string): void {
    if (line === this.#lastLine) return;
    this.#lastLine = line;
    this.#options.log(line);
  }
}

/** Adds the device's name, by which a server can know who it is. */
function urlOf(url: string, device: string): string {
  const own = new URL(url);
  if (!own.searchParams.has("device")) own.searchParams.set("device", device);
  return own.href;
}
