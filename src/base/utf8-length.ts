const encoder = new TextEncoder();

/** Whether `text` is longer than `bytes` in UTF-8. Only long texts are encoded to find out. */
export function exceedsBytes(text: string, bytes: number): boolean {
  // A UTF-16 code unit becomes one to three bytes.
  if (text.length * 3 <= bytes) return false;
  return text.length > bytes || encoder.encode(text).length > bytes;
}

const BEYOND_ASCII = /[^\0-\x7f]/;

/** The length of `text` in UTF-8, in bytes. Only texts beyond ASCII are encoded to find out. */
export function utf8Length(text: string): number {
  return BEYOND_ASCII.test(text) ? encoder.encode(text).length : text.length;
}
