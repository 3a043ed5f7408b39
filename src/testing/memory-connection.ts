import type { LivePeer } from "../live/index.ts";
import type { MemoryWebSocket } from "./memory-web-socket.ts";
import type { Carriage } from "./wire.ts";

/** Which ends notice a cut immediately. An end that does not notice merely receives nothing. */
export type Noticed = "both" | "client" | "server" | "nobody";

/** A connection of a `MemoryNetwork`. */
export interface MemoryConnection {
  /** The client's end. */
  readonly socket: MemoryWebSocket;
  /** The server's end; `undefined` until the handshake is accepted. */
  readonly peer: LivePeer | undefined;
  /** The latency and bandwidth towards the client; `undefined`: those of the network. */
  carriage: Carriage | undefined;
  /** Cuts the connection now; data in transit is lost. */
  cut(noticed: Noticed): void;
  /**
   * Ends the connection as if the server's process had been killed: the client's system notices
   * immediately.
   */
  loseServer(): void;
}
