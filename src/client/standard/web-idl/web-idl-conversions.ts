/** Converts to DOMString; throws a TypeError for a Symbol. (Web IDL §3.2.10) */
export function domString(value: unknown): string {
  if (typeof value === "symbol")
    throw new TypeError("A Symbol cannot be converted to a string; pass a string.");
  return String(value);
}

/** Converts to USVString: text without lone surrogates. (Web IDL §3.2.12) */
export function usvString(value: unknown): string {
  return domString(value).toWellFormed();
}

/** Converts to [Clamp] unsigned short. (Web IDL §3.2.4.9) */
export function clampedUint16(value: unknown): number {
  const number = toNumber(value);
  if (Number.isNaN(number)) return 0;
  const clamped = Math.min(Math.max(number, 0), 65_535);
  const floor = Math.floor(clamped);
  const rest = clamped - floor;
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

/** Converts to [EnforceRange] unsigned short. (Web IDL §3.2.4.9) */
export function enforcedUint16(value: unknown): number {
  const number = toNumber(value);
  const whole = Math.trunc(number);
  if (Number.isFinite(number) && whole >= 0 && whole <= 65_535) return whole + 0;
  throw new TypeError(`The number is ${number}; use an integer from 0 to 65535.`);
}

/** Converts to unsigned short, modulo 65,536. (Web IDL §3.2.4.9) */
export function uint16(value: unknown): number {
  const number = toNumber(value);
  return Number.isFinite(number) ? ((Math.trunc(number) % 65_536) + 65_536) % 65_536 : 0;
}

/**
 * Converts to sequence<T>; returns undefined if the object is not iterable. (Web IDL §3.2.21)
 *
 * Without a `for` loop, which would call the iterator's `return` when a conversion throws.
 */
export function sequence<Item>(
  value: object,
  convert: (item: unknown) => Item,
): Item[] | undefined {
  const method = (value as Partial<Iterable<unknown>>)[Symbol.iterator];
  if (method === undefined || method === null) return undefined;
  if (typeof method !== "function") throw new TypeError("The list has no iterator; pass an array.");
  const iterator = method.call(value);
  const items: Item[] = [];
  for (;;) {
    const next = iterator.next();
    if (!isObject(next))
      throw new TypeError("The iterator did not return an object; pass an array.");
    if (next.done === true) return items;
    items.push(convert(next.value));
  }
}

/**
 * Converts to a dictionary; its members are read by the caller. `undefined` and null become an
 * empty one. (Web IDL §3.2.17)
 */
export function dictionary(value: unknown): Record<string, unknown> {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value as Record<string, unknown>;
  throw new TypeError(`The options are of type ${typeof value}; pass an object.`);
}

/** Whether the value is an Object as ECMAScript defines it: functions are objects, null is not. */
export function isObject(value: unknown): value is object {
  return typeof value === "function" || (typeof value === "object" && value !== null);
}

/**
 * Unlike `Number(…)`, it rejects a BigInt, and an object that converts to one. (ECMAScript,
 * ToNumber)
 */
function toNumber(value: unknown): number {
  return Math.max(value as number);
}
