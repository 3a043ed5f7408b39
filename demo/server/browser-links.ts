import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

const COOKIE = "monitor";
const MAX_CUT_SECONDS = 60;

/** The traffic of one browser over one form, as seen on its sockets. */
interface Meter {
  requests: number;
  bytesIn: number;
  bytesOut: number;
}

/** A browser, identified by a cookie: its open sockets and their traffic. */
interface Browser {
  sockets: Set<Duplex>;
  cutUntil: number;
  meters: Record<string, Meter>;
  seenAt: number;
}

/** Browsers that have not been seen for this long are forgotten, in milliseconds. */
const FORGET_MS = 3_600_000;

/**
 * Tracks browsers for the tour: aborts a browser's connections, and counts the bytes of its
 * requests.
 */
export class BrowserLinks {
  readonly #browsers = new Map<string, Browser>();

  /** Sets a cookie on a page's request if it has none. */
  mark(request: IncomingMessage, response: ServerResponse): void {
    if (idOf(request) !== undefined) return;
    const id = randomUUID();
    response.setHeader("Set-Cookie", `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Strict`);
  }

  /** Records a browser's socket; false if the browser is currently cut off. */
  note(request: IncomingMessage): boolean {
    const browser = this.#browserOf(request);
    if (browser === undefined) return true;
    if (browser.cutUntil > Date.now()) return false;
    const { socket } = request;
    if (!browser.sockets.has(socket)) {
      browser.sockets.add(socket);
      socket.once("close", () => browser.sockets.delete(socket));
    }
    return true;
  }

  /** Aborts a browser's connections without a close frame, and refuses new ones for a while. */
  cut(request: IncomingMessage, seconds: number): void {
    const browser = this.#browserOf(request);
    if (browser === undefined) return;
    browser.cutUntil = Date.now() + Math.min(Math.max(seconds, 0), MAX_CUT_SECONDS) * 1_000;
    for (const socket of browser.sockets) socket.destroy();
  }

  /** Counts a request and its answer, including header lines, under `name`. */
  meter(request: IncomingMessage, response: ServerResponse, name: string): void {
    const browser = this.#browserOf(request);
    if (browser === undefined) return;
    const meter = meterOf(browser, name);
    if (meter === undefined) return;
    const { socket } = request;
    meter.requests += 1;
    meter.bytesIn += requestBytes(request);
    const before = socket.bytesWritten;
    let counted = 0;
    const count = (): void => {
      const written = socket.bytesWritten - before;
      meter.bytesOut += written - counted;
      counted = written;
    };
    // A streamed answer is counted while it is sent.
    const beat = setInterval(count, 500);
    response.once("close", () => {
      clearInterval(beat);
      count();
    });
  }

  /** Counts a WebSocket handshake; the page counts the messages itself. */
  meterHandshake(request: IncomingMessage): void {
    const browser = this.#browserOf(request);
    const meter = browser && meterOf(browser, "websocket");
    if (meter === undefined) return;
    const { socket } = request;
    const before = socket.bytesWritten;
    meter.requests += 1;
    meter.bytesIn += requestBytes(request);
    // By the end of this turn, the answer has been written, and no message yet.
    setImmediate(() => (meter.bytesOut += Math.max(0, socket.bytesWritten - before)));
  }

  meters(request: IncomingMessage): Record<string, Meter> {
    return this.#browserOf(request)?.meters ?? {};
  }

  #browserOf(request: IncomingMessage): Browser | undefined {
    const id = idOf(request);
    if (id === undefined) return undefined;
    const now = Date.now();
    const known = this.#browsers.get(id);
    if (known !== undefined) {
      known.seenAt = now;
      return known;
    }
    this.#forgetOld(now);
    const browser: Browser = { sockets: new Set(), cutUntil: 0, meters: {}, seenAt: now };
    this.#browsers.set(id, browser);
    return browser;
  }

  #forgetOld(now: number): void {
    for (const [id, browser] of this.#browsers) {
      if (browser.sockets.size === 0 && now - browser.seenAt > FORGET_MS) this.#browsers.delete(id);
    }
  }
}

function idOf(request: IncomingMessage): string | undefined {
  return browserIdIn(request.headers.cookie);
}

/** Returns the browser that a Cookie header names. */
export function browserIdIn(cookies = ""): string | undefined {
  const pattern = new RegExp(`(?:^|;\\s*)${COOKIE}=([0-9a-f-]{36})(?:;|$)`);
  return pattern.exec(cookies)?.[1];
}

/** The forms that the tour compares; fetches use a new name for every run. */
const METER = /^(sse|websocket|(long-)?poll-[0-9a-z]{1,16})$/;

/** A browser that runs many comparisons loses its oldest counts. */
const MAX_METERS = 40;

function meterOf(browser: Browser, name: string): Meter | undefined {
  if (!METER.test(name)) return undefined;
  const names = Object.keys(browser.meters);
  const oldest = names.find((known) => known.includes("poll"));
  if (oldest !== undefined && names.length >= MAX_METERS) delete browser.meters[oldest];
  return (browser.meters[name] ??= { requests: 0, bytesIn: 0, bytesOut: 0 });
}

/** The size of the request line and header lines as sent on the wire. */
function requestBytes({ method = "", url = "", rawHeaders }: IncomingMessage): number {
  const line = `${method} ${url} HTTP/1.1\r\n`.length;
  let fields = 0;
  for (const part of rawHeaders) fields += part.length + 2;
  return line + fields + 2;
}
