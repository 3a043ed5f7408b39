/** Where neither the runtime nor a container says what the process may use. */
const UNKNOWN_BYTES: number = 1024 * 1024 * 1024;

interface HeapModule {
  getHeapStatistics(): { heap_size_limit: number };
}

/**
 * What the process may use, in bytes: the smaller of V8's heap limit and the container's limit.
 *
 * Node is asked and not imported, so that topics also run where there is no Node.
 */
export function memoryOfProcess(): number {
  const { process } = globalThis as { process?: Partial<NodeJS.Process> };
  const heap = process?.getBuiltinModule?.("node:v8") as HeapModule | undefined;
  const known = [heap?.getHeapStatistics().heap_size_limit, process?.constrainedMemory?.()];
  // Without a container Node says 0, or more than any machine has.
  const limits = known.filter((bytes) => bytes !== undefined && bytes > 0) as number[];
  return limits.length === 0 ? UNKNOWN_BYTES : Math.min(...limits);
}
