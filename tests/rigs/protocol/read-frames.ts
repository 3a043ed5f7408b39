/** A frame from the wire, unmasked. */
export interface WireFrame {
  fin: boolean;
  reservedBits: number;
  opcode: number;
  key: Uint8Array | undefined;
  headerBytes: number;
  payload: Uint8Array;
}

/** Reads whole frames, implemented from the RFC, independently of the code under test. */
export function readFrames(wire: Uint8Array): WireFrame[] {
  const view = new DataView(wire.buffer, wire.byteOffset, wire.byteLength);
  const frames: WireFrame[] = [];
  for (let at = 0; at < wire.length;) {
    const first = view.getUint8(at);
    const second = view.getUint8(at + 1);
    const { length, bytes } = readLength(view, at, second & 0x7f);
    const masked = second >= 0x80;
    const keyAt = at + bytes;
    const payloadAt = keyAt + (masked ? 4 : 0);
    if (payloadAt + length > wire.length) throw new RangeError("The last frame is incomplete.");
    const key = masked ? wire.slice(keyAt, keyAt + 4) : undefined;
    const payload = wire.slice(payloadAt, payloadAt + length);
    frames.push({
      fin: first >= 0x80,
      reservedBits: first & 0x70,
      opcode: first & 0x0f,
      key,
      headerBytes: payloadAt - at,
      payload: key === undefined ? payload : payload.map((octet, index) => octet ^ key[index % 4]!),
    });
    at = payloadAt + length;
  }
  return frames;
}

function readLength(
  view: DataView,
  at: number,
  short: number,
): { length: number; bytes: 2 | 4 | 10 } {
  if (short < 126) return { length: short, bytes: 2 };
  if (short === 126) return { length: view.getUint16(at + 2), bytes: 4 };
  return { length: Number(view.getBigUint64(at + 2)), bytes: 10 };
}
