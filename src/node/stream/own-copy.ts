import { allocateLong } from "../memory/long-memory.ts";

/** The maximum size of a copy whose memory is kept for the next one, in bytes. */
const KEPT_BYTES = 1024 * 1024;

/** The bytes that were copied last in this turn, and their copy. */
let given: Uint8Array | undefined;
let copy: Buffer | undefined;
/** Whether the copy is still needed after the turn. */
let isInUse = false;
/** Memory for the next copy. */
let spare: Buffer | undefined;

/**
 * Returns a copy of a caller's bytes, which nobody else can change, transfer or resize.
 *
 * A caller that sends the same bytes to many peers in one turn gets the same copy, because
 * comparing takes half as long as copying, and no memory. The copy must not be used after this turn
 * unless `keepCopy` is called, because its memory is then reused, which avoids page faults.
 */
export function ownCopy(bytes: Uint8Array): Uint8Array {
  if (isCopied(bytes)) return copy!;
  if (copy === undefined) queueMicrotask(forget);
  else recycle();
  copy = memoryFor(bytes.length);
  copy.set(bytes);
  given = bytes;
  isInUse = false;
  return copy;
}

/** Keeps the last copy valid after this turn. */
export function keepCopy(): void {
  isInUse = true;
}

function isCopied(bytes: Uint8Array): boolean {
  return (
    given?.buffer === bytes.buffer &&
    given.byteOffset === bytes.byteOffset &&
    copy?.length === bytes.length &&
    copy.equals(bytes)
  );
}

function memoryFor(size: number): Buffer {
  const memory = spare;
  if (memory === undefined || memory.length < size) return allocateLong(size);
  spare = undefined;
  return memory.subarray(0, size);
}

function recycle(): void {
  if (copy === undefined || isInUse || copy.buffer.byteLength > KEPT_BYTES) return;
  spare = Buffer.from(copy.buffer);
}

function forget(): void {
  recycle();
  given = undefined;
  copy = undefined;
}
