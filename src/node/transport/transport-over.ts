import type { Duplex } from "node:stream";
import { areInternalsAllowed } from "../internals/allowed.ts";
import { detachHandle } from "../internals/socket-handle.ts";
import { HandleTransport } from "./handle-transport.ts";
import { StreamTransport } from "./stream-transport.ts";
import type { Transport } from "./transport.ts";

/**
 * Returns a transport over a stream, which it takes over. If the stream is a socket without other
 * listeners, the transport uses its handle directly.
 *
 * @param nodeInternals whether undocumented parts of Node may be used
 */
export function transportOver(stream: Duplex, nodeInternals: boolean): Transport {
  const detached = nodeInternals && areInternalsAllowed() ? detachHandle(stream) : undefined;
  return detached === undefined ? new StreamTransport(stream) : new HandleTransport(detached);
}
