import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";

/** How long a session without streams waits for the next one, in milliseconds. */
const LINGER_MS = 1_000;
/** How many hosts without HTTP/2 are remembered. */
const REMEMBERED = 1_000;

/**
 * HTTP/2 connections that are open, one for all WebSockets to an origin with equal options.
 * (RFC 8441, RFC 9113 §9.1)
 */
export class Http2Sessions {
  readonly #sessions = new Map<string, Promise<SharedSession | undefined>>();
  readonly #without = new Set<string>();

  /**
   * Returns a session of this name with room for one more stream, which `open` opens if there is
   * none.
   *
   * The room is kept for the caller, who uses it by `request` or gives it back by `release`.
   *
   * @returns `undefined` if the server does not speak WebSocket over HTTP/2
   * @throws what `open` fails with
   */
  async take(
    name: string,
    open: () => Promise<SharedSession | undefined>,
  ): Promise<SharedSession | undefined> {
    while (!this.#without.has(name)) {
      const present = this.#sessions.get(name);
      const opening = present ?? this.#begin(name, open);
      const session = await opening;
      if (session?.reserve() === true) return session;
      // It has ended since, is full, or was none; who waited too may have begun anew before.
      this.#forget(name, opening);
      // A new one without room for the first would be followed by others like it.
      if (present === undefined) return undefined;
    }
    return undefined;
  }

  /** How many are open or being opened. */
  get size(): number {
    return this.#sessions.size;
  }

  #begin(
    name: string,
    open: () => Promise<SharedSession | undefined>,
  ): Promise<SharedSession | undefined> {
    const opening = open();
    this.#sessions.set(name, opening);
    opening.then(
      (session) => {
        if (session === undefined) this.#remember(name);
        else session.onGone(() => this.#forget(name, opening));
      },
      () => this.#forget(name, opening),
    );
    return opening;
  }

  #forget(name: string, opening: Promise<SharedSession | undefined>): void {
    if (this.#sessions.get(name) === opening) this.#sessions.delete(name);
  }

  #remember(name: string): void {
    if (this.#without.size >= REMEMBERED) this.#without.clear();
    this.#without.add(name);
  }
}

/** One HTTP/2 connection, which ends a while after its last stream. */
export class SharedSession {
  readonly #session: ClientHttp2Session;
  /** Those that are open, and those that room is kept for. */
  #streams = 0;
  #linger: NodeJS.Timeout | undefined;

  /**
   * Takes a TLS connection for HTTP/2.
   *
   * @returns `undefined` if the server has agreed to another protocol, or takes no extended CONNECT
   * @throws Error when the connection ends before that is known
   */
  static async open(origin: string, socket: TLSSocket): Promise<SharedSession | undefined> {
    if (socket.alpnProtocol !== "h2") {
      socket.destroy();
      return undefined;
    }
    const session = connect(origin, { createConnection: () => socket });
    // Its streams report what happens to it; without them nobody need hear.
    session.on("error", () => {});
    await settings(session);
    if (session.remoteSettings.enableConnectProtocol === true) return new SharedSession(session);
    session.destroy();
    return undefined;
  }

  private constructor(session: ClientHttp2Session) {
    this.#session = session;
    this.#waitForStreams();
  }

  /** Keeps room for a stream; false if there is none. (RFC 9113 §5.1.2) */
  reserve(): boolean {
    const { closed, destroyed, remoteSettings } = this.#session;
    const most = remoteSettings.maxConcurrentStreams ?? Infinity;
    // After a GOAWAY it is closed too.
    if (closed || destroyed || this.#streams >= most) return false;
    this.#streams += 1;
    clearTimeout(this.#linger);
    this.#session.ref();
    return true;
  }

  /** Gives back room that was kept. */
  release(): void {
    this.#streams -= 1;
    this.#waitForStreams();
  }

  onGone(forget: () => void): void {
    this.#session.once("goaway", forget);
    this.#session.once("close", forget);
  }

  /** Opens the stream that room was kept for. @throws Error when the session has ended meanwhile */
  request(headers: Record<string, string | string[]>): ClientHttp2Stream {
    try {
      const stream = this.#session.request(headers, { endStream: false });
      stream.once("close", () => this.release());
      return stream;
    } catch (error) {
      this.release();
      throw error;
    }
  }

  #waitForStreams(): void {
    if (this.#streams > 0) return;
    // An idle connection keeps no process alive.
    this.#session.unref();
    this.#linger = setTimeout(() => this.#session.close(), LINGER_MS).unref();
  }
}

function settings(session: ClientHttp2Session): Promise<void> {
  return new Promise((resolve, reject) => {
    session.once("remoteSettings", () => resolve());
    session.once("error", reject);
    session.once("close", () => reject(new Error("the HTTP/2 connection was closed")));
  });
}

/** One for the whole process. */
export const http2Sessions: Http2Sessions = new Http2Sessions();
