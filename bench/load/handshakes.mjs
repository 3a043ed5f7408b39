import { CpuTime } from "../cpu-time.mjs";
import { residentKib } from "../memory.mjs";
import { Connections } from "./connections.mjs";

/**
 * Opens connections, 100 at a time, and leaves them open.
 *
 * @param {object} options
 * @param {import("./connection.mjs").Target} options.target
 * @param {number} options.warm how many are opened before
 * @param {number} options.connections how many are timed
 * @param {number} pid
 */
export async function handshakes({ target, warm, connections }, pid) {
  const opened = new Connections(target);
  await opened.open(warm);
  const cpu = new CpuTime(pid);
  const started = performance.now();
  await opened.open(connections);
  const micros = cpu.lap();
  const seconds = (performance.now() - started) / 1000;
  const rssMib = residentKib(pid) / 1024;
  opened.cut();
  return {
    figures: {
      cpuMicros: micros / connections,
      perSecond: connections / seconds,
      waited: cpu.waited / 1e6 / seconds,
      rssMib,
    },
  };
}
