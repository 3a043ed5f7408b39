import { constants, deflateRawSync, type ZlibOptions } from "node:zlib";

const TEXT =
  "Wer reitet so spät durch Nacht und Wind? Es ist der Vater mit seinem Kind; er hat den Knaben " +
  "wohl in dem Arm, er faßt ihn sicher, er hält ihn warm. Mein Sohn, was birgst du so bang dein " +
  "Gesicht? Siehst, Vater, du den Erlkönig nicht? Den Erlenkönig mit Kron und Schweif?";

/** All prefixes of a message of one block of each kind (RFC 1951 §3.2.3), without its tail. */
export function cutMessages(): [kind: string, beginnings: Uint8Array[]][] {
  return [
    ["a block without compression", beginningsOf(deflated({ level: 0 }))],
    ["a block with fixed codes", beginningsOf(deflated({ strategy: constants.Z_FIXED }))],
    ["a block with dynamic codes", beginningsOf(deflated({}))],
  ];
}

function beginningsOf(payload: Uint8Array): Uint8Array[] {
  return (
    Array.from({ length: payload.length - 1 }, (_, rest) => payload.subarray(0, rest + 1))
      // This prefix is an empty message. (RFC 7692 §7.2.3.6)
      .filter((beginning) => beginning.length !== 1 || beginning[0] !== 0)
  );
}

function deflated(options: ZlibOptions): Uint8Array {
  const finishFlush = constants.Z_SYNC_FLUSH;
  return deflateRawSync(TEXT, { ...options, finishFlush }).subarray(0, -4);
}
