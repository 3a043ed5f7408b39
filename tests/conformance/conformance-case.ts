import type { Role } from "../../src/protocol/index.ts";
import type { CompressionOptions } from "../../src/server/index.ts";
import type { FrameOptions } from "../protocol/masked-frame.ts";
import type { EndSettings, Message } from "./carriers/carrier.ts";
import type { Transport } from "./carriers/carrier-for.ts";
import type { WindowUse } from "./reference-deflate.ts";

/** A message that permessage-deflate carries; the raw end does it with the platform's zlib. */
export interface DeflatedMessage {
  deflated: Message;
  /** Into frames of how many bytes it is cut. Default: one frame. */
  fragmentBytes?: number;
}

/** A piece of a frame: its payload from `from` to `to`, and its header if that is its start. */
export interface FramePiece {
  pieceOf: FrameOptions;
  from: number;
  to: number;
}

/** What the raw end sends: a frame or a piece of one, a compressed message, octets as they are. */
export type Part = FrameOptions | FramePiece | DeflatedMessage | Uint8Array;

/** How bytes are cut into writes: not at all, by octet, by part, or into so many bytes. */
export type Chunks = "whole" | "octets" | "parts" | number;

export type Step =
  | { kind: "sends"; parts: readonly Part[]; chunks: Chunks }
  /** The raw end ends its half of the transport. */
  | { kind: "ends" }
  /** Our end sends exactly these, and nothing before them. */
  | { kind: "answers"; parts: readonly (FrameOptions | DeflatedMessage)[] }
  /** Our end neither answers nor ends, as far as a few turns of the event loop show. */
  | { kind: "is silent" }
  | { kind: "application sends"; message: Message }
  | { kind: "application closes"; code: number | undefined; reason: string };

export type Ending =
  /** Close frames went both ways in the steps: the server ends the transport. */
  | { kind: "was closed"; code: number; reason: string }
  /**
   * Our end sends this close code and ends the transport, whatever came behind the violation; with
   * no code, its Close frame had left before.
   */
  | { kind: "fails"; closeCode: number | undefined; error: string }
  /** The transport ends without any Close frame. */
  | { kind: "is lost"; how: "ended" | "reset" }
  /** The raw end never ends the transport, and our end waits no longer. */
  | { kind: "is cut off"; code: number; wasClean: boolean };

/** What was agreed of permessage-deflate, and how; either end may be ours. */
export interface DeflateAgreement {
  /** What our end is set to. Default: its defaults. */
  compression?: Partial<CompressionOptions>;
  /** What the client writes as `Sec-WebSocket-Extensions`. */
  offer: string;
  /** What the server writes; nothing when it agrees to nothing. */
  answer: string | undefined;
  /** How each end may look back. Default: 2^15 bytes, within a message. */
  windows?: Readonly<Record<Role, WindowUse>>;
}

export interface ConformanceCase {
  name: string;
  /** The roles of our end. Default both. */
  roles?: readonly Role[];
  /** Default all. */
  transports?: readonly Transport[];
  settings?: EndSettings;
  deflate?: DeflateAgreement;
  steps: readonly Step[];
  /** Default: the raw end closes with 1000, and our end answers. */
  ending?: Ending;
  /** What the application must have seen. Default: what it answered. */
  messages?: readonly Message[];
}

/** Names the cases after the section that they check. */
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
