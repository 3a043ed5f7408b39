import { isToken } from "../protocol/index.ts";
import type { Sendable } from "./send-queue.ts";
import { syntaxError } from "./web-socket-url.ts";

/** USVString: text without lone surrogates. (Web IDL §3.2.12) */
export function usvString(value: unknown): string {
  return String(value).toWellFormed();
}

/** A subprotocol or a sequence of them, each a token and none twice. */
export function checkedProtocols(given: unknown): string[] {
  const isSequence = typeof given === "object" && given !== null && Symbol.iterator in given;
  const protocols = isSequence ? [...(given as Iterable<unknown>)].map(String) : [String(given)];
  for (const [index, protocol] of protocols.entries()) {
    if (!isToken(protocol)) {
      throw syntaxError(`The subprotocol ${JSON.stringify(protocol)} is not a token; give one.`);
    }
    if (protocols.indexOf(protocol) !== index) {
      throw syntaxError(`The subprotocol ${protocol} is given twice; give it once.`);
    }
  }
  return protocols;
}

/** (ArrayBuffer or ArrayBufferView or Blob or USVString) */
export function sendable(data: unknown): Sendable {
  if (data instanceof Blob) return { kind: "blob", blob: data, size: data.size };
  if (ArrayBuffer.isView(data)) {
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { kind: "bytes", bytes, size: bytes.length };
  }
  if (data instanceof ArrayBuffer || data instanceof SharedArrayBuffer) {
    return { kind: "bytes", bytes: new Uint8Array(data), size: data.byteLength };
  }
  const text = String(data);
  return { kind: "text", text, size: Buffer.byteLength(text) };
}

/** [Clamp] unsigned short. (Web IDL §3.2.4.9) */
export function clampedUint16(value: unknown): number {
  const number = Number(value);
  if (Number.isNaN(number)) return 0;
  const clamped = Math.min(Math.max(number, 0), 65_535);
  const floor = Math.floor(clamped);
  const rest = clamped - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}
