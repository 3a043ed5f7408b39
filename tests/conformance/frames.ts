import type { Role } from "../../src/protocol/index.ts";
import {
  closePayload,
  joinBytes,
  maskedFrame,
  plainFrame,
  utf8,
  type FrameOptions,
} from "../rigs/protocol/masked-frame.ts";
import { applyKey } from "./carriers/frame-reader.ts";

/** The properties of a frame besides its opcode and payload. */
export type FrameExtras = Omit<FrameOptions, "opcode" | "payload">;

type Payload = string | Uint8Array;

export const continuation = frameOf(0x0);
export const text = frameOf(0x1);
export const binary = frameOf(0x2);
export const ping = frameOf(0x9);
export const pong = frameOf(0xa);

/** Returns a frame with any opcode, including reserved ones. */
export function frame(opcode: number, payload: Payload = "", more: FrameExtras = {}): FrameOptions {
  return { opcode, payload: octetsOf(payload), ...more };
}

/** Returns a Close frame; it is empty without a code. */
export function close(code?: number, reason: Payload = "", more: FrameExtras = {}): FrameOptions {
  const payload = code === undefined ? "" : closePayload(code, octetsOf(reason));
  return frame(0x8, payload, more);
}

/** Returns a frame as the peer of `receiver` sends it; fast even for long ones. */
export function wireBytes(receiver: Role, options: FrameOptions): Uint8Array {
  if (receiver === "client") return plainFrame(options);
  const payload = new Uint8Array(options.payload ?? []);
  const announced = options.announced ?? BigInt(payload.length);
  const head = maskedFrame({ ...options, payload: new Uint8Array(0), announced });
  applyKey(payload, head.subarray(-4));
  return joinBytes([head, payload]);
}

/** Returns the octets of a string of hexadecimal digits; blanks are ignored. */
export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(/\s/g, ""), "hex"));
}

function frameOf(opcode: number) {
  return (payload: Payload = "", more: FrameExtras = {}): FrameOptions =>
    frame(opcode, payload, more);
}

function octetsOf(payload: Payload): Uint8Array {
  return typeof payload === "string" ? utf8(payload) : payload;
}
