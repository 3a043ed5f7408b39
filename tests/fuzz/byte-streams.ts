import { constants, deflateRawSync } from "node:zlib";
import type { Role } from "../../src/protocol/index.ts";
import type { Random } from "../rigs/random.ts";
import { closePayload, frameTo, utf8, type FrameOptions } from "../rigs/protocol/masked-frame.ts";

/** Whether permessage-deflate was agreed, and whether its window is kept between messages. */
export type Agreed = "plain" | "fresh" | "kept";

/** The settings for the data that a peer of `receiver` may send. */
export interface StreamKind {
  receiver: Role;
  agreed: Agreed;
}

const RSV1 = 0x40;
const TEXTS = ["", "a", "grüße", "€𝄞", "x".repeat(130), "long ".repeat(400), "\ufeffbom"];
const SIZES = [0, 1, 2, 125, 126, 127, 1_000, 5_000, 70_000];
const LENGTHS = [0n, 125n, 126n, 65_535n, 65_536n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n];

/**
 * Returns a stream, mostly of legal and partly of mutated frames; each piece is one or a few
 * frames.
 */
export function randomPieces(random: Random, kind: StreamKind): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let left = random.integer(1, 12); left > 0; left -= 1) {
    pieces.push(...randomMessage(random, kind));
  }
  if (random.chance(0.2)) pieces.push(randomClose(random, kind));
  if (random.chance(0.5)) mutate(random, pieces);
  return pieces;
}

/** Cuts `bytes` anywhere, into copies, because receivers unmask in place. */
export function randomChunks(random: Random, bytes: Uint8Array): Uint8Array[] {
  const longest = random.pick([1, 7, 200, 4_000, 100_000]);
  // Single octets of a long stream are too slow.
  const most = Math.max(longest, Math.ceil(bytes.length / 2_000));
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = Math.min(bytes.length, at + random.integer(1, most));
    chunks.push(bytes.slice(at, end));
    at = end;
  }
  return chunks;
}

export function randomBytes(random: Random, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, () => random.integer(0, 255));
}

function randomMessage(random: Random, kind: StreamKind): Uint8Array[] {
  if (random.chance(0.03)) return [randomBytes(random, random.integer(1, 40))];
  if (random.chance(0.05)) return [randomFrame(random, kind)];
  if (random.chance(0.25)) return [control(random, kind)];
  const isText = random.chance(0.6);
  const plain = isText ? utf8(random.pick(TEXTS)) : randomBytes(random, random.pick(SIZES));
  // In a fragmented message, the invalid part may come late.
  if (isText && plain.length > 3 && random.chance(0.05)) plain[random.integer(0, 3)] = 0xff;
  const isCompressed = kind.agreed !== "plain" && random.chance(0.5);
  const payload = isCompressed ? deflated(random, plain) : plain;
  return fragments(random, kind, payload, { opcode: isText ? 1 : 2, isCompressed });
}

function fragments(
  random: Random,
  kind: StreamKind,
  payload: Uint8Array,
  { opcode, isCompressed }: { opcode: number; isCompressed: boolean },
): Uint8Array[] {
  const cuts = Array.from({ length: random.pick([0, 0, 0, 1, 2, 5]) }, () =>
    random.integer(0, payload.length),
  ).sort((a, b) => a - b);
  return [0, ...cuts].flatMap((start, index) => {
    const frame = frameTo(kind.receiver, {
      opcode: index === 0 ? opcode : 0,
      reservedBits: index === 0 && isCompressed ? RSV1 : 0,
      fin: index === cuts.length,
      payload: payload.slice(start, cuts[index] ?? payload.length),
    });
    return random.chance(0.1) ? [frame, control(random, kind)] : [frame];
  });
}

/** Compresses without the tail, in one of the forms that RFC 7692 §7.2.3 allows. */
function deflated(random: Random, plain: Uint8Array): Uint8Array {
  if (random.chance(0.05)) return randomBytes(random, random.integer(0, 60));
  const level = random.integer(0, 9);
  const windowBits = random.integer(9, 15);
  if (random.chance(0.05)) {
    // A final block, followed by an octet.
    return new Uint8Array(Buffer.concat([deflateRawSync(plain, { level }), Buffer.of(0)]));
  }
  const options = { level, windowBits, finishFlush: constants.Z_SYNC_FLUSH };
  return new Uint8Array(deflateRawSync(plain, options).subarray(0, -4));
}

function control(random: Random, { receiver }: StreamKind): Uint8Array {
  const payload = randomBytes(random, random.pick([0, 1, 5, 125]));
  return frameTo(receiver, { opcode: random.pick([9, 10]), payload });
}

function randomClose(random: Random, { receiver }: StreamKind): Uint8Array {
  const code = random.pick([
    1000, 1001, 1004, 1005, 1006, 1011, 1014, 1015, 2999, 3000, 4999, 5000,
  ]);
  const reason = random.pick([utf8(""), utf8("bye"), Uint8Array.of(0xff), utf8("é".repeat(61))]);
  const payload = random.pick([new Uint8Array(0), Uint8Array.of(3), closePayload(code, reason)]);
  return frameTo(receiver, { opcode: 8, payload });
}

/** Returns a frame with a random header. */
function randomFrame(random: Random, { receiver }: StreamKind): Uint8Array {
  const payload = randomBytes(random, random.pick([0, 1, 5, 125, 126, 300]));
  const options: FrameOptions = {
    opcode: random.integer(0, 15),
    fin: random.chance(0.7),
    reservedBits: random.pick([0, 0, 0x10, 0x20, 0x40]),
    payload,
  };
  if (random.chance(0.3)) {
    options.announced = random.pick(LENGTHS);
    options.lengthForm = "long";
  } else if (random.chance(0.2)) {
    options.lengthForm = "medium";
  }
  const other = receiver === "server" ? "client" : "server";
  return frameTo(random.chance(0.1) ? other : receiver, options);
}

function mutate(random: Random, pieces: Uint8Array[]): void {
  for (let left = random.integer(1, 3); left > 0 && pieces.length > 0; left -= 1) {
    const at = random.integer(0, pieces.length - 1);
    const piece = pieces[at]!;
    const place = random.integer(0, Math.max(0, piece.length - 1));
    switch (random.integer(0, 6)) {
      case 0:
        pieces.splice(at, 1);
        break;
      case 1:
        pieces.splice(at, 0, piece.slice());
        break;
      case 2:
        pieces[at] = piece.slice(0, place);
        break;
      case 3:
        pieces.splice(at, 0, randomBytes(random, random.integer(1, 5)));
        break;
      case 4:
        pieces.push(pieces.splice(at, 1)[0]!);
        break;
      default:
        // Mostly in the header, because changes of the payload have little effect.
        if (piece.length > 0)
          piece[random.chance(0.7) ? Math.min(place, 3) : place]! ^= 1 << random.integer(0, 7);
    }
  }
}
