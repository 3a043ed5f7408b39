import { DEFLATE_KERNEL } from "../compiled-kernels.ts";

/** Shorter messages are left to zlib, which has codes that need not be sent. */
export const KERNEL_FROM_BYTES = 512;
/** Beyond it zlib is about as fast. */
export const KERNEL_TO_BYTES: number = 8 * 1024;
/** zlib's levels that find no more than the kernel does. */
export const KERNEL_TO_LEVEL = 6;

interface Exports {
  memory: WebAssembly.Memory;
  sourceAt(): number;
  outputAt(): number;
  deflate(size: number, windowBytes: number): number;
}

/**
 * Compresses short messages, each by itself, in WebAssembly made from `tools/kernels`.
 *
 * zlib is made for long data: of 13 to 19 µs for 1.15 KB of JSON a third makes codes by way of a heap,
 * and before each message 64 KiB are cleared. This takes 8 to 12 µs to the same length, and for 8 KiB
 * a fifth less to within 1 % of it; it needs neither a context nor what Node does not document.
 */
export class DeflateKernel {
  readonly #exports: Exports;
  readonly #source: Uint8Array;
  readonly #output: Uint8Array;

  constructor() {
    const compiled = new WebAssembly.Module(Buffer.from(DEFLATE_KERNEL, "base64"));
    const exports = new WebAssembly.Instance(compiled).exports as unknown as Exports;
    const { buffer } = exports.memory;
    this.#exports = exports;
    this.#source = new Uint8Array(buffer, exports.sourceAt(), KERNEL_TO_BYTES);
    this.#output = new Uint8Array(buffer, exports.outputAt());
  }

  /**
   * Compresses one message.
   *
   * @param payload up to `KERNEL_TO_BYTES`
   * @returns the message without the tail, good until the next call
   */
  run(payload: Uint8Array, windowBits: number): Uint8Array {
    this.#source.set(payload);
    return this.#output.subarray(0, this.#exports.deflate(payload.length, 1 << windowBits));
  }
}

let kernel: DeflateKernel | undefined | "none";

/** Returns the one of this process; `undefined` where it has no WebAssembly, as with `--jitless`. */
export function deflateKernel(): DeflateKernel | undefined {
  if (kernel === undefined) {
    try {
      kernel = new DeflateKernel();
    } catch {
      kernel = "none";
    }
  }
  return kernel === "none" ? undefined : kernel;
}
