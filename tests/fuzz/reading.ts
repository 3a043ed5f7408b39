/** What was received, in order: kind and payload in hexadecimal. */
export type Received =
  | { kind: "text" | "binary" | "ping" | "pong"; hex: string }
  | { kind: "close"; code: number; reason: string };

/** What a receiver made of a stream. */
export interface Reading {
  received: Received[];
  /** Why it failed, with its close code; `undefined` if it did not. */
  failure: { code: string; closeCode: number } | undefined;
  /** How often a kept window was begun anew, as after a final block. */
  restarts: number;
}

export const LIMITS = { maxMessageBytes: 100_000, maxMessageFragments: 40 };

export function hexOf(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("hex");
}
