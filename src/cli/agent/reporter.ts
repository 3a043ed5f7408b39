import { Backoff } from "../../base/index.ts";
import { openWebSocket, type ClientOptions, type WebSocket } from "../../client/index.ts";

const REPORT_EVERY_MS = 1_000;
/** Every report is acknowledged; a server that says nothing for so long is gone. */
const SILENCE_MS = 10_000;
/** With more unsent than this the network does not keep up, and a newer report is worth more. */
const MAX_UNSENT_BYTES = 64 * 1024;

/** Something that reports itself under a name. */
export interface Reporting {
  readonly name: string;
  report(): unknown;
  /** For how many seconds it is gone now, if it goes. */
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
 * Publishes a device's reports over one connection, and comes back after every cut.
 *
 * The topic's key lives with this connection: its end is how the server learns that the device is
 * offline.
 */
export class Reporter {
  readonly #device: Reporting;
  readonly #options: ReporterOptions;
  readonly #backoff = new Backoff({ firstMs: 500, longestMs: 5_000 });
  #socket: WebSocket | undefined;
  #timer: NodeJS.Timeout | undefined;
  #heardAt = 0;
  #requests = 0;
  #stopped = false;
  /** The last trouble that was told, so that each is told once. */
  #told = "";

  constructor(device: Reporting, options: ReporterOptions) {
    this.#device = device;
    this.#options = options;
  }

  start(): void {
    const { url, client } = this.#options;
    const socket = openWebSocket(url, { ...client, protocols: "longwire.v1" });
    this.#socket = socket;
    this.#heardAt = performance.now();
    socket.addEventListener("message", (event) => this.#hear(String(event.data)));
    socket.addEventListener("error", (event) => this.#tell(event.message));
    socket.addEventListener("close", () => this.#comeBack(socket, this.#backoff.next()));
  }

  /** Ends the connection, so that the device is offline at once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const socket = this.#socket;
    if (socket === undefined || socket.readyState === socket.CLOSED) return;
    const closed = new Promise((resolve) => socket.addEventListener("close", resolve));
    socket.close(1000, "agent stopped");
    await closed;
  }

  #hear(text: string): void {
    this.#heardAt = performance.now();
    const message = JSON.parse(text) as { type?: string; message?: string };
    if (message.type === "welcome") {
      this.#tell(`reporting ${this.#device.name} to ${this.#options.url}`);
      this.#report();
    } else if (message.type === "published") {
      this.#backoff.reset();
    } else if (message.type === "error") {
      this.#tell(`the server refused a report: ${message.message ?? "no reason given"}`);
    }
  }

  #report(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.readyState !== socket.OPEN) return;
    if (performance.now() - this.#heardAt > SILENCE_MS) {
      this.#tell("the server has gone silent; connecting again");
      socket.close();
      return this.#comeBack(socket, 0);
    }
    const goneSeconds = this.#device.reboot?.();
    if (goneSeconds !== undefined) {
      socket.close(1000, "rebooting");
      return this.#comeBack(socket, goneSeconds * 1_000);
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

  /** Leaves `socket` behind and opens a new one later; once for each. */
  #comeBack(socket: WebSocket, delayMs: number): void {
    if (this.#stopped || this.#socket !== socket) return;
    this.#socket = undefined;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), delayMs);
  }

  #tell(line: string): void {
    if (line === this.#told) return;
    this.#told = line;
    this.#options.log(line);
  }
}
