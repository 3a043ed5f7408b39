import type { Role } from "../../src/protocol/index.ts";
import type { CompressionOptions } from "../../src/server/index.ts";
import type { FrameOptions } from "../rigs/protocol/masked-frame.ts";
import type { EndSettings, Message } from "./carriers/carrier.ts";
import type { Transport } from "./carriers/carrier-for.ts";
import type { WindowUse } from "./reference-deflate.ts";

/**
 * A message to send with permessage-deflate; the raw end compresses it with the platform's zlib.
 */
export interface DeflatedMessage {
  deflated: Message;
  /** The compressed bytes per frame. Default: one frame. */
  fragmentBytes?: number;
}

/** A piece of a frame: its payload from `from` to `to`, with the header if it is the start. */
export interface FramePiece {
  pieceOf: FrameOptions;
  from: number;
  to: number;
}

/** Data from the raw end: a frame or a piece of one, a compressed message, or raw octets. */
export type Part = FrameOptions | FramePiece | DeflatedMessage | Uint8Array;

/** How bytes are cut into writes: not at all, by octet, by part, or by this number of bytes. */
export type Chunks = "whole" | "octets" | "parts" | number;

export type Step =
  | { kind: "sends"; parts: readonly Part[]; chunks: Chunks }
  /** The raw end ends its half of the transport. */
  | { kind: "ends" }
  /** Longwire's end sends exactly these, and nothing before them. */
  | { kind: "answers"; parts: readonly (FrameOptions | DeflatedMessage)[] }
  /** Longwire's end neither sends nor ends within a few turns of the event loop. */
  | { kind: "is silent" }
  | { kind: "application sends"; message: Message }
  | { kind: "application closes"; code: number | undefined; reason: string };

export type Ending =
  /** Both Close frames were exchanged in the steps, and the server ends the transport. */
  | { kind: "was closed"; code: number; reason: string }
  /**
   * Longwire's end sends this close code and ends the transport, whatever followed the violation.
   * Without a code, its Close frame was sent before.
   */
  | { kind: "fails"; closeCode: number | undefined; error: string }
  /** The transport ends without a Close frame. */
  | { kind: "is lost"; how: "ended" | "reset" }
  /** The raw end never ends the transport, and Longwire's end stops waiting. */
  | { kind: "is cut off"; code: number; wasClean: boolean };

/** The agreed parameters of permessage-deflate; either end may be Longwire's. */
export interface DeflateAgreement {
  /** The settings of Longwire's end. Default: its defaults. */
  compression?: Partial<CompressionOptions>;
  /** The client's `Sec-WebSocket-Extensions`. */
  offer: string;
  /** The server's header; undefined if it declines. */
  answer: string | undefined;
  /** How far each end may refer back. Default: 2^15 bytes, within a message. */
  windows?: Readonly<Record<Role, WindowUse>>;
}

export interface ConformanceCase {
  name: string;
  /** The roles of Longwire's end. Default both. */
  roles?: readonly Role[];
  /** Default all. */
  transports?: readonly Transport[];
  settings?: EndSettings;
  deflate?: DeflateAgreement;
  steps: readonly Step[];
  /** Default: the raw end closes with 1000, and Longwire's end replies. */
  ending?: Ending;
  /** The messages that the application must have received. Default: those that it echoed. */
  messages?: readonly Message[];
}

/** Prefixes the names of the cases with the section that they check. */
export function section(
  name: string,
  cases: readonly ConformanceCase[],
): readonly ConformanceCase[] {
  return cases.map((one) => ({ ...one, name: `${name}: ${one.name}` }));
}

export const sends = (...parts: Part[]): Step => ({ kind: "sends", parts, chunks: "whole" });

export const sendsCut = (chunks: Chunks, ...parts: Part[]): Step => ({
  kind: "sends",
  parts,
  chunks,
});

export const answers = (...parts: (FrameOptions | DeflatedMessage)[]): Step => ({
  kind: "answers",
  parts,
});

export const isSilent: Step = { kind: "is silent" };

export const ends: Step = { kind: "ends" };

export const applicationSends = (message: Message): Step => ({
  kind: "application sends",
  message,
});

export const applicationCloses = (code?: number, reason = ""): Step => ({
  kind: "application closes",
  code,
  reason,
});

export const wasClosed = (code: number, reason = ""): Ending => ({
  kind: "was closed",
  code,
  reason,
});

export const fails = (closeCode: number | undefined, error: string): Ending => ({
  kind: "fails",
  closeCode,
  error,
});

export const isLost = (how: "ended" | "reset"): Ending => ({ kind: "is lost", how });

export const isCutOff = (code: number, wasClean: boolean): Ending => ({
  kind: "is cut off",
  code,
  wasClean,
});
