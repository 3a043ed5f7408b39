import type { DeflateRaw, InflateRaw } from "node:zlib";
import type { LaterWork } from "../../protocol/index.ts";

export interface LaterHandler {
  /** Receives the output, in order. */
  onPiece(piece: Uint8Array): void;
  /** Called when all input has been read and all output delivered. */
  onDone(): void;
  /** Called when the DEFLATE data ended; `readBytes` of the input belonged to it. */
  onEnded(readBytes: number): void;
  onFailed(): void;
}

/**
 * Feeds `input` to a zlib stream on Node's thread pool. The input must not change until the end.
 */
export function runLater(
  stream: DeflateRaw | InflateRaw,
  input: Uint8Array,
  handler: LaterHandler,
): LaterWork {
  let isOver = false;
  const before = stream.bytesWritten;
  const settle = (then: () => void): void => {
    if (isOver) return;
    isOver = true;
    stream.off("data", onPiece);
    stream.off("end", onEnded);
    stream.off("error", onFailed);
    // A destroyed stream may still emit an error.
    if (stream.destroyed) stream.on("error", ignore);
    then();
  };
  const onPiece = (piece: Uint8Array): void => {
    if (!isOver) handler.onPiece(piece);
  };
  const onEnded = (): void => settle(() => handler.onEnded(stream.bytesWritten - before));
  const onFailed = (): void => settle(() => handler.onFailed());
  const onDone = (error?: Error | null): void => {
    if (error !== undefined && error !== null) return onFailed();
    // Delivers the remaining output to `onPiece`.
    drainOf(stream);
    settle(() => handler.onDone());
  };
  stream.on("data", onPiece);
  stream.on("end", onEnded);
  stream.on("error", onFailed);
  stream.write(input, onDone);
  return {
    abandon: () =>
      settle(() => {
        stream.on("error", ignore);
        stream.destroy();
      }),
  };
}

function drainOf(stream: DeflateRaw | InflateRaw): void {
  while (stream.read() !== null);
}

function ignore(): void {}
