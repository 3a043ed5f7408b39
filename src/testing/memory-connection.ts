import type { LivePeer } from "../live/index.ts";
import type { MemoryWebSocket } from "./memory-web-socket.ts";
import type { Carriage } from "./wire.ts";

/** Which ends notice a cut at once; an end that does not, notices that it receives nothing. */
export type Noticed = "both" | "client" | "server" | "nobody";

/** One connection of a `MemoryNetwork`. */
export interface MemoryConnection {
  /** The client's end. */
  readonly socket: MemoryWebSocket;
  /** The server's end; `undefined` until the handshake is accepted. */
  readonly peer: LivePeer | undefined;
  /** How this connection carries to its client; `undefined`: as the network does. */
  carriage: Carriage | undefined;
  /** Cuts it now; what is on its way is lost. */
  cut(noticed: Noticed): void;
  /** Ends it as if the server's process had died: the client's system notices at once. */
  loseServer(): void;
}
