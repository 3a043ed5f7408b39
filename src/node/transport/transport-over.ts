import type { Duplex } from "node:stream";
import { areInternalsAllowed } from "../internals/allowed.ts";
import { detachHandle } from "../internals/socket-handle.ts";
import { HandleTransport } from "./handle-transport.ts";
import { StreamTransport } from "./stream-transport.ts";
import type { Transport } from "./transport.ts";

/**
 * Makes a transport of a stream, which is its own from then on: of what lies under it, where it is
 * a socket that nobody else listens to.
 *
 * @param nodeInternals whether the owner wants what Node does not document
 */
export function transportOver(stream: Duplex, nodeInternals: boolean): Transport {
  const detached = nodeInternals && areInternalsAllowed() ? detachHandle(stream) : undefined;
  return detached === undefined ? new StreamTransport(stream) : new HandleTransport(detached);
}
