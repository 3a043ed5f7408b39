import * as ws from "ws";
import type { StreamKind } from "./byte-streams.ts";
import { hexOf, LIMITS, type Reading } from "./reading.ts";

/** Properties that the package's own types omit. */
interface WsReceiver {
  on(event: "message", heard: (data: Buffer, isBinary: boolean) => void): void;
  on(event: "ping" | "pong", heard: (data: Buffer) => void): void;
  on(event: "conclude", heard: (code: number, reason: Buffer) => void): void;
  on(event: "error", heard: (error: WsError) => void): void;
  write(chunk: Uint8Array, done: () => void): void;
}

interface WsError extends Error {
  code?: string;
}

interface WsCodec {
  accept(offers: Record<string, true[]>[]): void;
  cleanup(): void;
}

const { Receiver, PerMessageDeflate } = ws as unknown as {
  Receiver: new (options: object) => WsReceiver;
  PerMessageDeflate: (new (options: object) => WsCodec) & { extensionName: string };
};

/** Passes a stream to the receiver of the package `ws`. */
export async function readWithWs(
  { receiver, agreed }: StreamKind,
  chunks: readonly Uint8Array[],
): Promise<Reading> {
  const isServer = receiver === "server";
  const codec = agreed === "plain" ? undefined : codecOf(isServer, agreed === "fresh");
  const reader = new Receiver({
    isServer,
    maxPayload: LIMITS.maxMessageBytes,
    maxFragments: LIMITS.maxMessageFragments,
    extensions: codec === undefined ? {} : { [PerMessageDeflate.extensionName]: codec },
  });
  const reading: Reading = { received: [], failure: undefined, restarts: 0 };
  const { received } = reading;
  reader.on("message", (data, isBinary) =>
    received.push({ kind: isBinary ? "binary" : "text", hex: hexOf(data) }),
  );
  reader.on("ping", (data) => received.push({ kind: "ping", hex: hexOf(data) }));
  reader.on("pong", (data) => received.push({ kind: "pong", hex: hexOf(data) }));
  let isOver = false;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      isOver = true;
      resolve();
    };
    reader.on("conclude", (code, reason) => {
      received.push({ kind: "close", code, reason: reason.toString() });
      end();
    });
    reader.on("error", (error) => {
      reading.failure = { code: error.code ?? error.name, closeCode: statusOf(error) };
      end();
    });
    // One by one, as from a socket that is paused meanwhile; after the end it accepts none.
    const rest = chunks.values();
    const writeNext = (): void => {
      const next = rest.next();
      if (isOver) return;
      if (next.done === true) return end();
      reader.write(next.value, writeNext);
    };
    writeNext();
  });
  // Its inflater is still in use after a message failed.
  if (reading.failure === undefined) codec?.cleanup();
  return reading;
}

function codecOf(isServer: boolean, isFresh: boolean): WsCodec {
  const codec = new PerMessageDeflate({ isServer, maxPayload: LIMITS.maxMessageBytes });
  const fresh = { server_no_context_takeover: [true], client_no_context_takeover: [true] };
  codec.accept([isFresh ? (fresh as Record<string, true[]>) : {}]);
  return codec;
}

/** The close code is stored under a symbol of the package. */
function statusOf(error: WsError): number {
  const symbol = Object.getOwnPropertySymbols(error).find(
    (one) => one.description === "status-code",
  );
  const status = symbol && (error as unknown as Record<symbol, unknown>)[symbol];
  return typeof status === "number" ? status : 1007;
}
