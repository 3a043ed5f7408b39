/** The received events, in order: kind and payload in hexadecimal. */
export type Received =
  | { kind: "text" | "binary" | "ping" | "pong"; hex: string }
  | { kind: "close"; code: number; reason: string };

/** The result of reading a stream. */
export interface Reading {
  received: Received[];
  /** The failure with its close code; `undefined` if the stream did not fail. */
  failure: { code: string; closeCode: number } | undefined;
  /** How often a kept window was reset, as after a final block. */
  restarts: number;
}

export const LIMITS = { maxMessageBytes: 100_000, maxMessageFragments: 40 };

export function hexOf(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("hex");
}
