import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

const COOKIE = "monitor";
const MAX_CUT_SECONDS = 60;

/** What one browser has done over one form, as seen on its sockets. */
interface Meter {
  requests: number;
  bytesIn: number;
  bytesOut: number;
}

/** A browser, told from others by a cookie: its open sockets, and what they carried. */
interface Browser {
  sockets: Set<Duplex>;
  cutUntil: number;
  meters: Record<string, Meter>;
  seenAt: number;
}

/** Forgotten when it has not been seen for so long, in milliseconds. */
const FORGET_MS = 3_600_000;

/**
 * What the tour needs to know of the browsers at the other end: to cut one's network, and to say
 * what its requests weighed.
 */
export class BrowserLinks {
  readonly #browsers = new Map<string, Browser>();

  /** Gives a page's request its cookie, if it has none. */
  mark(request: IncomingMessage, response: ServerResponse): void {
    if (idOf(request) !== undefined) return;
    const id = randomUUID();
    response.setHeader("Set-Cookie", `${COOKIE}=${id}; Path=/; HttpOnly; SameSite=Strict`);
  }

  /** Notes a socket of a browser; false if the browser is cut off and must not get through. */
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

  /** Tears a browser's connections, without a close frame, and keeps it off for a while. */
  cut(request: IncomingMessage, seconds: number): void {
    const browser = this.#browserOf(request);
    if (browser === undefined) return;
    browser.cutUntil = Date.now() + Math.min(Math.max(seconds, 0), MAX_CUT_SECONDS) * 1_000;
    for (const socket of browser.sockets) socket.destroy();
  }

  /** Counts a request and its answer, header lines included, under `name`. */
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
    // A stream's answer goes on; it is counted as it goes.
    const beat = setInterval(count, 500);
    response.once("close", () => {
      clearInterval(beat);
      count();
    });
  }

  /** Counts a WebSocket handshake; what goes over the connection, the page counts itself. */
  meterHandshake(request: IncomingMessage): void {
    const browser = this.#browserOf(request);
    const meter = browser && meterOf(browser, "websocket");
    if (meter === undefined) return;
    const { socket } = request;
    const before = socket.bytesWritten;
    meter.requests += 1;
    meter.bytesIn += requestBytes(request);
    // The answer has been written by the end of this turn, and no message yet.
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
  const pattern = new RegExp(`(?:^|;\\s*)${COOKIE}=([0-9a-f-]{36})(?:;|$)`);
  return pattern.exec(request.headers.cookie ?? "")?.[1];
}

/** The forms that the tour compares; fetches name a new meter for every run. */
const METER = /^(sse|websocket|(long-)?poll-[0-9a-z]{1,16})$/;

/** A browser that compares again and again loses its oldest figures. */
const MAX_METERS = 40;

function meterOf(browser: Browser, name: string): Meter | undefined {
  if (!METER.test(name)) return undefined;
  const names = Object.keys(browser.meters);
  const oldest = names.find((known) => known.includes("poll"));
  if (oldest !== undefined && names.length >= MAX_METERS) delete browser.meters[oldest];
  return (browser.meters[name] ??= { requests: 0, bytesIn: 0, bytesOut: 0 });
}

/** The request line and header lines as they must have been on the wire. */
function requestBytes({ method = "", url = "", rawHeaders }: IncomingMessage): number {
  const line = `${method} ${url} HTTP/1.1\r\n`.length;
  let fields = 0;
  for (const part of rawHeaders) fields += part.length + 2;
  return line + fields + 2;
}
