/** Assumed if neither the runtime nor a container reports a limit. */
const UNKNOWN_BYTES: number = 1024 * 1024 * 1024;

interface HeapModule {
  getHeapStatistics(): { heap_size_limit: number };
}

/**
 * Returns the memory that the process may use, in bytes: the smaller of V8's heap limit and the
 * container's limit.
 *
 * Node is detected and not imported, so that topics also run without Node.
 */
export function memoryOfProcess(): number {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> };
  const heap = process?.getBuiltinModule?.("node:v8") as HeapModule | undefined;
  const known = [heap?.getHeapStatistics().heap_size_limit, process?.constrainedMemory?.()];
  // Without a container, Node reports 0, or more than any machine has.
  const limits = known.filter((bytes) => bytes !== undefined && bytes > 0) as number[];
  return limits.length === 0 ? UNKNOWN_BYTES : Math.min(...limits);
}
