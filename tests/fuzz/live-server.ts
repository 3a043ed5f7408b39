import { connect } from "node:net";
import { WebSocketServer, type Endpoint, type Peer } from "../../src/server/index.ts";
import type { Random } from "../rigs/random.ts";
import { maskedFrame } from "../rigs/protocol/masked-frame.ts";
import { handshake } from "../rigs/sockets/raw-client.ts";
import type { Agreed } from "./byte-streams.ts";
import { randomRequest } from "./handshakes.ts";
import { hexOf, LIMITS, type Received } from "./reading.ts";

const OFFERS: Record<Agreed, Record<string, string>> = {
  plain: {},
  fresh: {
    "Sec-WebSocket-Extensions":
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
  },
  kept: { "Sec-WebSocket-Extensions": "permessage-deflate" },
};

/** A server with a port, to which streams are sent over sockets. */
export class LiveServer {
  readonly #server: WebSocketServer;
  readonly #received = new Map<string, Received[]>();
  readonly #gone = new Map<string, () => void>();
  #port = 0;
  #count = 0;

  constructor() {
    const endpoint: Endpoint = {
      authorize: ({ search }) => search,
      onMessage: (peer, message) => {
        this.#note(peer, {
          kind: typeof message === "string" ? "text" : "binary",
          hex: hexOf(typeof message === "string" ? Buffer.from(message) : message),
        });
        peer.send(message);
      },
      onPing: (peer, payload) => this.#note(peer, { kind: "ping", hex: hexOf(payload) }),
      onPong: (peer, payload) => this.#note(peer, { kind: "pong", hex: hexOf(payload) }),
      onClose: ({ data }) => this.#gone.get(String(data))?.(),
    };
    const takeover = { outgoingContextTakeover: true, incomingContextTakeover: true };
    const compression = { ...takeover, thresholdBytes: 100 };
    this.#server = new WebSocketServer(endpoint, { ...LIMITS, compression });
  }

  async start(): Promise<void> {
    this.#port = (await this.#server.listen()).port;
  }

  async stop(): Promise<void> {
    await this.#server.close({ timeoutMs: 1_000 });
    if (this.#server.peers.size > 0) throw new Error("Some peers did not leave.");
  }

  /** Sends a stream after a valid handshake, and returns the endpoint's events. */
  async read(agreed: Agreed, chunks: readonly Uint8Array[]): Promise<Received[]> {
    const id = String((this.#count += 1));
    this.#received.set(id, []);
    const gone = new Promise<void>((resolve) => this.#gone.set(id, resolve));
    await this.#send([Buffer.from(handshake(`/?${id}`, OFFERS[agreed])), ...chunks]);
    await gone;
    const received = this.#received.get(id)!;
    this.#received.delete(id);
    this.#gone.delete(id);
    return received;
  }

  /** Sends a possibly invalid handshake, and possibly data after it. */
  async receiveAny(random: Random): Promise<void> {
    const request = Buffer.from(randomRequest(random), "latin1");
    await this.#send([request, maskedFrame({ opcode: random.pick([1, 8, 3]) })]);
  }

  #note({ data }: Peer, one: Received): void {
    this.#received.get(String(data))?.push(one);
  }

  /** Resolves when the server has closed the connection. */
  #send(chunks: readonly Uint8Array[]): Promise<void> {
    const socket = connect({ port: this.#port, host: "127.0.0.1" });
    return new Promise((resolve) => {
      socket.on("error", () => {});
      socket.on("close", () => resolve());
      socket.resume();
      for (const chunk of chunks) socket.write(chunk);
      socket.end();
    });
  }
}
