import { mask } from "../../protocol/index.ts";
import { MASK_KERNEL } from "../compiled-kernels.ts";

/** What the kernel is compiled with: one page of WebAssembly. */
const MEMORY_BYTES = 64 * 1024;

interface Kernel {
  memory: WebAssembly.Memory;
  /** @returns 0 if all octets are ASCII */
  mask(at: number, end: number, key: number): number;
}

let kernel: Kernel | undefined;
let fast: Buffer | undefined;

/**
 * Returns 64 KiB to read into, in which `maskFast` is fast, if this platform has it.
 *
 * Called once: the memory is that of one WebAssembly module.
 */
export function fastMemory(): Buffer {
  kernel = instantiate();
  if (kernel === undefined) return Buffer.allocUnsafeSlow(MEMORY_BYTES);
  return (fast = Buffer.from(kernel.memory.buffer));
}

/**
 * Does what `mask` does, four to ten times as fast in what `fastMemory` returned.
 *
 * Measured: 64 bytes in 5 ns instead of 46, 16 KiB in 0.5 µs instead of 2.2.
 */
export function maskFast(
  bytes: Uint8Array,
  start: number,
  end: number,
  key: number,
  phase: number,
): number {
  // The object itself, no view of it: asking a view for its memory takes longer than the masking.
  if (bytes !== fast) return mask(bytes, start, end, key, phase);
  const turned = phase === 0 ? key : (key << (phase * 8)) | (key >>> (32 - phase * 8));
  const seen = kernel!.mask(start, end, inLittleEndian(turned));
  return seen === 0 ? 0 : 0x80;
}

/** WebAssembly's memory has the lowest octet first, on every platform. */
function inLittleEndian(key: number): number {
  return (key >>> 24) | ((key >>> 8) & 0xff00) | ((key << 8) & 0xff0000) | ((key & 0xff) << 24);
}

/** Not everywhere are there vectors, or room for the address space that a memory reserves. */
function instantiate(): Kernel | undefined {
  try {
    const module = new WebAssembly.Module(Buffer.from(MASK_KERNEL, "base64"));
    return new WebAssembly.Instance(module).exports as unknown as Kernel;
  } catch {
    return undefined;
  }
}
