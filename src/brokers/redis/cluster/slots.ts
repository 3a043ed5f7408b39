/** The number of slots into which a cluster divides its keys. */
export const SLOTS = 16_384;

/** Returns the slot of a topic's key or channel, which depends on the part in braces. */
export function slotOf(key: string): number {
  const start = key.indexOf("{") + 1;
  return crc16(new TextEncoder().encode(key.slice(start, key.indexOf("}", start)))) % SLOTS;
}

/** CRC-16/XMODEM: the polynomial 0x1021, initial value 0. */
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

/** The server of each slot, as `HOST:PORT`; undefined if no server has it. */
export type SlotMap = (string | undefined)[];

/** The answer to `CLUSTER SLOTS`: a range, then its primary and its replicas. */
export type SlotRanges = readonly (readonly [
  first: number,
  last: number,
  primary: readonly [host: string | null, port: number, ...rest: unknown[]],
  ...replicas: unknown[],
])[];

/** @param asked the host of the server that answered, for entries without a host */
export function slotMapOf(ranges: SlotRanges, asked: string): SlotMap {
  const map: SlotMap = Array.from({ length: SLOTS });
  for (const [first, last, [host, port]] of ranges) {
    map.fill(addressOf(host, port, asked), first, last + 1);
  }
  return map;
}

/** @param asked replaces an unknown host */
export function addressOf(host: string | null, port: number, asked: string): string {
  return `${host === null || host === "" || host === "?" ? asked : host}:${port}`;
}

/** The host in an address, which may be IPv6 without brackets. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
