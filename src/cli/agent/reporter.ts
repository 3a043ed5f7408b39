import { Backoff } from "../../base/index.ts";
import { openWebSocket, type ClientOptions, type WebSocket } from "../../client/index.ts";

const REPORT_EVERY_MS = 1_000;
/** Every report is acknowledged, so a server that is silent for this long is gone. */
const SILENCE_MS = 10_000;
/**
 * With more unsent bytes, the network is too slow, and the next report is worth more than this one.
 */
const MAX_UNSENT_BYTES = 64 * 1024;

/** A device that reports under a name. */
export interface Reporting {
  readonly name: string;
  report(): unknown;
  /** If the device reboots now, returns for how many seconds it is away. */
  reboot?(): number | undefined;
}

export interface ReporterOptions {
  /** The live server's URL, such as `ws://host:8080/live`. */
  url: string;
  topic: string;
  client: ClientOptions;
  log(line: string): void;
}

/**
 * Publishes a device's reports over one connection, and reconnects after every loss.
 *
 * The topic's key is owned by this connection: when it ends, the server marks the device offline.
 */
export class Reporter {
  readonly #device: Reporting;
  readonly #options: ReporterOptions;
  readonly #backoff = new Backoff({ firstMs: 500, longestMs: 5_000 });
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #receivedAt = 0;
  #requests = 0;
  #stopped = false;
  /** The last line logged, so that repeats are suppressed. */
  #lastLine = "";

  constructor(device: Reporting, options: ReporterOptions) {
    this.#device = device;
    this.#options = options;
  }

  start(): void {
    const { url, client } = this.#options;
    const socket = openWebSocket(url, { ...client, protocols: "longwire.v1" });
    this.#socket = socket;
    this.#receivedAt = performance.now();
    socket.addEventListener("message", (event) => this.#onMessage(String(event.data)));
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

  #onMessage(text: string): void {
    this.#receivedAt = performance.now();
    const message = JSON.parse(text) as { type?: string; message?: string };
    if (message.type === "welcome") {
      this.#log(`reporting ${this.#device.name} to ${this.#options.url}`);
      this.#report();
    } else if (message.type === "published") {
      this.#backoff.reset();
    } else if (message.type === "error") {
      this.#log(`the server refused a report: ${message.message ?? "no reason given"}`);
    }
  }

  #report(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState !== socket.OPEN) return;
    if (performance.now() - this.#receivedAt > SILENCE_MS) {
      this.#log("the server is not responding; reconnecting");
      socket.close();
      return this.#reconnect(socket, 0);
    }
    const goneSeconds = this.#device.reboot?.();
    if (goneSeconds !== undefined) {
      socket.close(1000, "rebooting");
      return this.#reconnect(socket, goneSeconds * 1_000);
    }
    if (socket.bufferedAmount < MAX_UNSENT_BYTES) socket.send(JSON.stringify(this.#publication()));
    this.#timer = setTimeout(() => this.#report(), REPORT_EVERY_MS);
  }

  #publication(): object {
    this.#requests += 1;
    const { name } = this.#device;
    return {
      type: "publish",
      id: this.#requests,
      topic: this.#options.topic,
      key: name,
      data: this.#device.report(),
    };
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
