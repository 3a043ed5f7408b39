const encoder = new TextEncoder();

/** Whether `text` is longer than `bytes` in UTF-8. Only long texts are encoded to find out. */
export function exceedsBytes(text: string, bytes: number): boolean {
  // A UTF-16 code unit becomes one to three bytes.
  if (text.length * 3 <= bytes) return false;
  return text.length > bytes || encoder.encode(text).length > bytes;
}

/** The length of `text` in UTF-8, in bytes. */
export function utf8Length(text: string): number {
  return encoder.encode(text).length;
}
