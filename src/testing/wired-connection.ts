import type { Clock, Payer } from "../base/index.ts";
import type { LiveEndpoint, LiveUpgrade } from "../live/index.ts";
import type { MemoryConnection, Noticed } from "./memory-connection.ts";
import { framesIn, textOf } from "./memory-frames.ts";
import { MemoryPeer } from "./memory-peer.ts";
import type { MemoryWebSocket, SocketDriver, SocketHandler } from "./memory-web-socket.ts";
import { Wire, type Carriage } from "./wire.ts";

/** How long each side waits for the other's close frame, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

/** The approximate size of a handshake, its answer, and a close frame, in bytes. */
const HANDSHAKE_BYTES = 200;
const CLOSE_BYTES = 8;

/** The approximate size of a frame's header and masking key, in bytes. */
const FRAME_OVERHEAD_BYTES = 8;

const ABNORMAL = { code: 1006, reason: "", wasClean: false };

export interface ConnectionFacts {
  clock: Clock;
  carriage(): Carriage;
  serverPatienceMs: number;
  /** Returns the server, if it is reachable. */
  endpoint(): LiveEndpoint | undefined;
  /** Whether connections are refused while there is no server; otherwise they are never answered. */
  isReachable(): boolean;
  request: LiveUpgrade;
  /** The payer for what the server holds for the connection. */
  payer(): Payer;
  onOver(connection: WiredConnection): void;
}

/** A connection: a socket, a peer, and a wire in each direction. */
export class WiredConnection implements MemoryConnection, SocketDriver {
  readonly socket: MemoryWebSocket;
  readonly #handler: SocketHandler;
  peer: MemoryPeer | undefined;
  readonly #facts: ConnectionFacts;
  readonly #up: Wire;
  readonly #down: Wire;
  carriage: Carriage | undefined;
  #clientIsOver = false;

  constructor(socket: MemoryWebSocket, handler: SocketHandler, facts: ConnectionFacts) {
    this.socket = socket;
    this.#handler = handler;
    this.#facts = facts;
    const { clock } = facts;
    this.#up = new Wire(
      clock,
      () => facts.carriage(),
      () => {},
    );
    this.#down = new Wire(
      clock,
      () => this.carriage ?? facts.carriage(),
      () => this.peer?.onDrained(),
    );
    this.#up.put(HANDSHAKE_BYTES, () => this.#accept());
    this.#failIfUnreachable();
  }

  get bufferedAmount(): number {
    return this.#up.bufferedBytes;
  }

  send(text: string): void {
    const size = new TextEncoder().encode(text).length + FRAME_OVERHEAD_BYTES;
    this.#up.put(size, () => this.peer?.receive(text));
  }

  close(code: number, reason: string): void {
    this.#up.put(CLOSE_BYTES, () => {
      // The server echoes the code and ends its side.
      this.#down.put(CLOSE_BYTES, () => this.#endClient({ code, reason, wasClean: true }));
      this.#endPeer();
    });
    this.#facts.clock.after(CLOSE_TIMEOUT_MS, () => this.#endClient(ABNORMAL));
  }

  cut(noticed: Noticed): void {
    this.#up.cut();
    this.#down.cut();
    if (noticed === "both" || noticed === "client") this.#endClient(ABNORMAL);
    if (noticed === "both" || noticed === "server") this.#endPeer();
    // Its pings go unanswered.
    else this.#facts.clock.after(this.#facts.serverPatienceMs, () => this.#endPeer());
  }

  loseServer(): void {
    this.peer?.forget();
    this.#up.cut();
    this.#down.cut();
    this.#endClient(ABNORMAL);
    this.#overIfBothAre();
  }

  #accept(): void {
    const endpoint = this.#facts.endpoint();
    if (endpoint === undefined) {
      if (this.#facts.isReachable()) this.#endClient(ABNORMAL);
      return;
    }
    const { request } = this.#facts;
    const protocol = endpoint.protocols(request) ?? "";
    const peer = new MemoryPeer(
      endpoint,
      { protocol, payer: this.#facts.payer() },
      {
        bufferedAmount: () => this.#down.bufferedBytes,
        put: (bytes) => this.#deliverLater(bytes),
        close: (code, reason) => this.#closeFromServer(code, reason),
      },
    );
    this.peer = peer;
    this.#down.put(HANDSHAKE_BYTES, () => this.#handler.onOpen(protocol));
    endpoint.onOpen(peer, request);
  }

  /** Each frame separately, so that a cut loses only the frames after it. */
  #deliverLater(bytes: Uint8Array): void {
    for (const frame of framesIn(bytes)) {
      this.#down.put(frame.length, () => this.#handler.onMessage(textOf(frame)));
    }
  }

  #closeFromServer(code: number, reason: string): void {
    this.#down.put(CLOSE_BYTES, () => {
      this.#endClient({ code, reason, wasClean: true });
      this.#up.put(CLOSE_BYTES, () => this.#endPeer());
    });
    this.#facts.clock.after(CLOSE_TIMEOUT_MS, () => this.#endPeer());
  }

  #failIfUnreachable(): void {
    // A silent network never answers, so the client has to give up.
    if (this.#facts.isReachable()) return;
    this.#up.cut();
  }

  #endClient(closure: { code: number; reason: string; wasClean: boolean }): void {
    if (this.#clientIsOver) return;
    this.#clientIsOver = true;
    this.#handler.onClosed(closure);
    this.#overIfBothAre();
  }

  #endPeer(): void {
    this.peer?.end();
    this.#overIfBothAre();
  }

  #overIfBothAre(): void {
    if (!this.#clientIsOver || this.peer?.isOver === false) return;
    this.#up.cut();
    this.#down.cut();
    this.#facts.onOver(this);
  }
}
