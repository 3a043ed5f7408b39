/** ASCII, as most of what WebSockets carry. */
export function text(bytes) {
  const words = "the quick brown fox jumps over the lazy dog and runs on, ";
  return words.repeat(Math.ceil(bytes / words.length)).slice(0, bytes);
}

export function binary(bytes) {
  return Buffer.from(
    Uint8Array.from({ length: bytes }, (_, index) => (index * 2_654_435_761) >> 7),
  );
}

/** A page of telemetry as a service would send it, 1.15 KB. */
export function json() {
  const readings = Array.from({ length: 14 }, (_, index) => ({
    sensor: `sensor-${index}`,
    value: Math.round(((index * 7919) % 1000) * 3.7) / 10,
    unit: index % 2 === 0 ? "°C" : "%",
    at: 1_760_000_000_000 + index * 137,
    ok: index % 5 !== 0,
  }));
  return JSON.stringify({ device: "ap-0042", site: "north", sequence: 31_337, readings });
}

/**
 * @typedef {object} PayloadChoice
 * @property {"text" | "binary" | "json"} kind
 * @property {number} [bytes] of text and binary
 */

/** @param {PayloadChoice} choice */
export function payloadOf({ kind, bytes }) {
  if (kind === "binary") return binary(bytes);
  return Buffer.from(kind === "json" ? json() : text(bytes));
}
