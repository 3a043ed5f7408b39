import { readFileSync } from "node:fs";

/** @returns {number} what a process has in memory, in KiB */
export function residentKib(pid) {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}
