import { onTestFinished } from "vitest";
import {
  connect,
  type ConnectOptions,
  type Live,
  type LiveStatus,
  type PageEvent,
} from "../../../src/live/client/index.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";
import { settle } from "./memory-peer.ts";

export type Message = Record<string, any>;

/** A socket whose other end is the test. */
export class FakeSocket {
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  readonly url: string;
  readonly protocol: string;
  isClosed = false;
  readonly sent: Message[] = [];

  constructor(url: string, protocol: string) {
    this.url = url;
    this.protocol = protocol;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Message);
  }

  close(): void {
    this.isClosed = true;
  }

  /** Returns the messages that the client has sent since the last call. */
  taken(): Message[] {
    return this.sent.splice(0);
  }

  accept(): void {
    (this.onopen as (event: unknown) => void)({});
  }

  say(...messages: Message[]): void {
    for (const message of messages) this.sayText(JSON.stringify(message));
  }

  sayText(data: unknown): void {
    (this.onmessage as (event: unknown) => void)({ data });
  }

  welcome(more: Message = {}): void {
    this.accept();
    this.say({ type: "welcome", connection: "c", heartbeat: 15_000, maxMessage: 10_000, ...more });
  }

  end(code = 1006, reason = ""): void {
    (this.onclose as (event: unknown) => void)({ code, reason });
  }

  /** Answers the last subscribe of a topic. */
  subscribed(more: Message = {}): void {
    const { id, topic } = this.sent.findLast(({ type }) => type === "subscribe")!;
    const fields = { kind: "log", epoch: "e", offset: 10, resumed: false };
    this.say({ type: "subscribed", id, topic, ...fields, ...more });
  }
}

/** A client on a virtual clock, whose waits are as long as they can be. */
export function openClient(options: ConnectOptions = {}) {
  const clock = new VirtualClock();
  const sockets: FakeSocket[] = [];
  const statuses: LiveStatus[] = [];
  let tell: ((event: PageEvent) => void) | undefined;
  const live: Live = connect("wss://host/live", {
    webSocket: class extends FakeSocket {
      constructor(url: string, protocol: string) {
        super(url, protocol);
        sockets.push(this);
      }
    },
    clock,
    backoff: { random: () => 0.999 },
    page: {
      listen: (listener) => {
        tell = listener;
        return () => (tell = undefined);
      },
    },
    ...options,
  });
  live.onStatus((status) => statuses.push(status));
  onTestFinished(() => live.close());
  return {
    live,
    clock,
    sockets,
    statuses,
    page: (event: PageEvent) => tell?.(event),
    hasPage: () => tell !== undefined,
    get socket() {
      return sockets.at(-1)!;
    },
  };
}

/** One that is welcomed already. */
export function openWelcomed(options: ConnectOptions = {}, welcome: Message = {}) {
  const opened = openClient(options);
  opened.socket.welcome(welcome);
  return opened;
}

/** Loses the connection, lets time pass, and welcomes the next one. */
export function comeBack(opened: ReturnType<typeof openClient>, welcome: Message = {}): FakeSocket {
  opened.socket.end();
  opened.clock.advance(30_000);
  opened.socket.welcome(welcome);
  return opened.socket;
}

export { settle };

export const event = (topic: string, offset: number, data: unknown = offset): Message => ({
  type: "event",
  topic,
  offset,
  data,
});

export const set = (topic: string, key: string, offset: number, data: unknown = offset) => ({
  type: "event",
  topic,
  key,
  offset,
  data,
});

export const page = (topic: string, offset: number, entries: Message[], more: Message = {}) => ({
  type: "snapshot",
  topic,
  epoch: "e",
  offset,
  entries,
  complete: true,
  more: false,
  ...more,
});

export const entry = (key: string, offset: number, data: unknown = offset): Message => ({
  key,
  offset,
  data,
});

/** Returns the outcome of a promise, filled in once it settles. */
export function outcomeOf(promise: Promise<unknown>): { value?: any; error?: any } {
  const outcome: { value?: unknown; error?: unknown } = {};
  promise.then(
    (value) => (outcome.value = value),
    (error: unknown) => (outcome.error = error),
  );
  return outcome;
}
