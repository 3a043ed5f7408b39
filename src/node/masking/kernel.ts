import { mask } from "../../protocol/index.ts";
import { MASK_KERNEL } from "../compiled-kernels.ts";

/** The size that the kernel is compiled for: one page of WebAssembly. */
const MEMORY_BYTES = 64 * 1024;

interface Kernel {
  memory: WebAssembly.Memory;
  /** @returns 0 if all octets are ASCII */
  mask(at: number, end: number, key: number): number;
}

let kernel: Kernel | undefined;
let fast: Buffer | undefined;

/**
 * Returns a buffer of 64 KiB in which `maskFast` is fast, if the platform supports it.
 *
 * Call it only once, because the memory belongs to one WebAssembly module.
 */
export function fastMemory(): Buffer {
  kernel = instantiate();
  if (kernel === undefined) return Buffer.allocUnsafeSlow(MEMORY_BYTES);
  return (fast = Buffer.from(kernel.memory.buffer));
}

/**
 * Does the same as `mask`, but four to ten times faster in the buffer of `fastMemory`.
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
  // Compared by identity, without views, because reading a view's `buffer` takes longer than the
  // masking.
  if (bytes !== fast) return mask(bytes, start, end, key, phase);
  const turned = phase === 0 ? key : (key << (phase * 8)) | (key >>> (32 - phase * 8));
  const seen = kernel!.mask(start, end, inLittleEndian(turned));
  return seen === 0 ? 0 : 0x80;
}

/** WebAssembly's memory is little-endian on every platform. */
function inLittleEndian(key: number): number {
  return (key >>> 24) | ((key >>> 8) & 0xff00) | ((key << 8) & 0xff0000) | ((key & 0xff) << 24);
}

/** Some platforms do not have vectors, or address space for the memory. */
function instantiate(): Kernel | undefined {
  try {
    const module = new WebAssembly.Module(Buffer.from(MASK_KERNEL, "base64"));
    return new WebAssembly.Instance(module).exports as unknown as Kernel;
  } catch {
    return undefined;
  }
}
