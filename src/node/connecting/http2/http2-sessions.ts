import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";

/** How long a session without streams is kept open, in milliseconds. */
const LINGER_MS = 1_000;
/** The maximum number of hosts without HTTP/2 to remember. */
const REMEMBERED = 1_000;

/**
 * The open HTTP/2 connections, one for all WebSockets to an origin with equal options. (RFC 8441,
 * RFC 9113 §9.1)
 */
export class Http2Sessions {
  readonly #sessions = new Map<string, Promise<SharedSession | undefined>>();
  readonly #without = new Set<string>();

  /**
   * Returns a session of this name with room for one more stream. If there is none, `open` opens
   * one.
   *
   * The room is reserved for the caller, who uses it with `request` or returns it with `release`.
   *
   * @returns `undefined` if the server does not support WebSocket over HTTP/2
   * @throws the error of `open`
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
      // The session has ended or is full, or does not support WebSocket. Another waiting caller may
      // have opened a new one already.
      this.#forget(name, opening);
      // If a new session has no room even for its first stream, opening another one would not help.
      if (present === undefined) return undefined;
    }
    return undefined;
  }

  /** The number of sessions that are open or being opened. */
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

/** One HTTP/2 connection, which closes some time after its last stream. */
export class SharedSession {
  readonly #session: ClientHttp2Session;
  /** The number of open streams and of reservations. */
  #streams = 0;
  #linger: NodeJS.Timeout | undefined;

  /**
   * Uses a TLS connection for HTTP/2.
   *
   * @returns `undefined` if the server negotiated another protocol, or does not support extended
   *   CONNECT
   * @throws Error if the connection ends before that is known
   */
  static async open(origin: string, socket: TLSSocket): Promise<SharedSession | undefined> {
    if (socket.alpnProtocol !== "h2") {
      socket.destroy();
      return undefined;
    }
    const session = connect(origin, { createConnection: () => socket });
    // The streams report errors of the session. Without streams, nothing depends on it.
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

  /** Reserves room for a stream; returns false if there is none. (RFC 9113 §5.1.2) */
  reserve(): boolean {
    const { closed, destroyed, remoteSettings } = this.#session;
    const most = remoteSettings.maxConcurrentStreams ?? Infinity;
    // A session is also closed after a GOAWAY.
    if (closed || destroyed || this.#streams >= most) return false;
    this.#streams += 1;
    clearTimeout(this.#linger);
    this.#session.ref();
    return true;
  }

  /** Returns a reservation. */
  release(): void {
    this.#streams -= 1;
    this.#waitForStreams();
  }

  onGone(forget: () => void): void {
    this.#session.once("goaway", forget);
    this.#session.once("close", forget);
  }

  /** Opens the reserved stream. @throws Error if the session has ended meanwhile */
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
    // An idle connection must not keep the process alive.
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
