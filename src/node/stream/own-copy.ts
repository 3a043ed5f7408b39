import { allocateLong } from "../memory/long-memory.ts";

/** The longest copy whose memory is kept for the next one, in bytes. */
const KEPT_BYTES = 1024 * 1024;

/** What was copied last in this turn, and its copy. */
let given: Uint8Array | undefined;
let copy: Buffer | undefined;
/** Whether somebody still needs it when the turn is over. */
let isInUse = false;
/** Serves the next copy. */
let spare: Buffer | undefined;

/**
 * Returns a copy of what a caller sends, which nobody can change, transfer or resize.
 *
 * Who sends the same to many peers in one turn gets the same copy: to compare takes half of the
 * time that copying does, and no memory. It must not be used beyond this turn unless `keepCopy` is
 * called: its memory serves the next one then, which saves the pages of a new one.
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

/** Says that the last copy is still needed when this turn is over. */
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
