/** Just under the largest message that a live server takes. */
export const MEGABYTE = 1_000_000;

/** A JSON text of this length: a string. */
export function longText(bytes: number): string {
  return JSON.stringify("x".repeat(bytes - 2));
}

/** `[[],[],…]`: what a parser makes of it is many times its text. */
export function emptyArrays(bytes: number): string {
  return `[${"[],".repeat(Math.floor(bytes / 3) - 1)}[]]`;
}

/** `{"a":{"a":…}}`. */
export function nestedObjects(bytes: number): string {
  const depth = Math.floor(bytes / 6);
  return `${'{"a":'.repeat(depth)}0${"}".repeat(depth)}`;
}

/** An object of very many fields, whose names no other `seed` has. */
export function manyFields(bytes: number, seed: number): string {
  const fields: string[] = [];
  for (let length = 0, at = 0; length < bytes - 20; at += 1) {
    const field = `"${seed}.${at}":0`;
    fields.push(field);
    length += field.length + 1;
  }
  return `{${fields.join(",")}}`;
}
