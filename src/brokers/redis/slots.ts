/** A cluster's keys are in so many parts, each of which is at one of its servers. */
export const SLOTS = 16_384;

/** The slot of a topic's key, or of its channel: by what is in its braces. */
export function slotOf(key: string): number {
  const start = key.indexOf("{") + 1;
  return crc16(new TextEncoder().encode(key.slice(start, key.indexOf("}", start)))) % SLOTS;
}

/** XMODEM's: the polynomial 0x1021, from 0. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) {
      crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : crc << 1;
    }
  }
  return crc;
}

/** Where each slot is, as `HOST:PORT`; undefined if no server has it. */
export type SlotMap = (string | undefined)[];

/** What `CLUSTER SLOTS` answers: a range, then its primary and its replicas. */
export type SlotRanges = readonly (readonly [
  first: number,
  last: number,
  primary: readonly [host: string | null, port: number, ...rest: unknown[]],
  ...replicas: unknown[],
])[];

/** @param asked the host of the server that answered, which is meant where it names none */
export function slotMapOf(ranges: SlotRanges, asked: string): SlotMap {
  const map: SlotMap = Array.from({ length: SLOTS });
  for (const [first, last, [host, port]] of ranges) {
    map.fill(addressOf(host, port, asked), first, last + 1);
  }
  return map;
}

/** @param asked stands for a host that is not known */
export function addressOf(host: string | null, port: number, asked: string): string {
  return `${host === null || host === "" || host === "?" ? asked : host}:${port}`;
}

/** The host of an address, which may be one of IPv6 without brackets. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
