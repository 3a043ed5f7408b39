import { createRequire } from "node:module";
import longwire from "../../../src/ws/index.ts";
import type * as extensions from "../../../src/ws/deflate/extension.ts";
import type { PerMessageDeflate as DeflateClass } from "../../../src/ws/deflate/per-message-deflate.ts";
import type { Receiver as ReceiverClass } from "../../../src/ws/wire/receiver.ts";
import type { Sender as SenderClass } from "../../../src/ws/wire/sender.ts";
import type * as subprotocols from "../../../src/ws/wire/subprotocol.ts";
import type { WebSocketServer as ServerClass } from "../../../src/ws/server/web-socket-server.ts";
import type { createWebSocketStream as makeStream } from "../../../src/ws/web-socket-stream.ts";
import type { WebSocket as SocketClass } from "../../../src/ws/web-socket.ts";

/** The return value of `require("ws")`. */
export type Implementation = typeof SocketClass & {
  createWebSocketStream: typeof makeStream;
  extension: Pick<typeof extensions, "format" | "parse">;
  PerMessageDeflate: typeof DeflateClass;
  Receiver: typeof ReceiverClass;
  Sender: typeof SenderClass;
  Server: typeof ServerClass;
  subprotocol: Pick<typeof subprotocols, "parse">;
  WebSocket: typeof SocketClass;
  WebSocketServer: typeof ServerClass;
};

/** WS_SUITE_ON=ws runs the suite on the package itself, to verify the suite. */
const isOriginal: boolean = process.env["WS_SUITE_ON"] === "ws";

export const implementation: Implementation = (
  isOriginal ? createRequire(import.meta.url)("ws") : longwire
) as Implementation;

export const { createWebSocketStream, extension, subprotocol } = implementation;
export const { PerMessageDeflate, Receiver, Sender, WebSocket, WebSocketServer } = implementation;

export type WebSocket = SocketClass;
export type WebSocketServer = ServerClass;
export type { ClientOptions } from "../../../src/ws/client/client-options.ts";
export type { ServerOptions } from "../../../src/ws/server/server-options.ts";

interface Difference {
  ws: unknown;
  longwire: unknown;
  why: string;
}

/** The intended differences; everything else must be equal. */
const DIFFERENCES = {
  unheardViolation: {
    ws: "throws",
    longwire: "closes",
    why: "a peer must not be able to end the process",
  },
  tooManyFragmentsStatus: {
    ws: 1008,
    longwire: 1009,
    why: "every limit on the size of a message is the engine's 1009",
  },
  longerLengthForm: {
    ws: "taken",
    longwire: "refused",
    why: "the shortest form MUST be used (RFC 6455 §5.2)",
  },
  looseKey: {
    ws: "101",
    longwire: "400",
    why: "a key MUST be 16 bytes in base64, which has one form (RFC 6455 §4.1)",
  },
  brokenTextInFragments: {
    ws: "at its end",
    longwire: "at once",
    why: "text is checked as it arrives, so that nothing is buffered that will be rejected",
  },
  behindTerminate: {
    ws: "delivered",
    longwire: "dropped",
    why: "an application that terminates a connection does not expect more data",
  },
  context: {
    ws: "kept",
    longwire: "dropped",
    why: "a context costs memory per connection, and is optional (RFC 7692 §7.1.1)",
  },
  uselessCompression: {
    ws: "sent",
    longwire: "left out",
    why: "a message that does not become shorter is sent uncompressed (RFC 7692 §6)",
  },
  compressedBeyondLimit: {
    ws: "refused",
    longwire: "taken",
    why: "maxPayload limits the message, and incompressible data grows slightly on the wire",
  },
  lostBlob: {
    ws: ["close", "blob", "behind"],
    longwire: ["blob", "behind", "close"],
    why: "reading a Blob may take long or never end, and callbacks precede the close",
  },
  behindThrowingCallback: {
    ws: [] as string[],
    longwire: ["behind"],
    why: "one caller's mistake must not cost another one its answer",
  },
  detachedWithoutOptions: {
    ws: "throws",
    longwire: "is made",
    why: "its types allow it",
  },
} satisfies Record<string, Difference>;

/** Returns the expectation for a known difference. */
export function expected<Name extends keyof typeof DIFFERENCES>(
  name: Name,
): (typeof DIFFERENCES)[Name]["ws" | "longwire"] {
  return DIFFERENCES[name][isOriginal ? "ws" : "longwire"];
}
