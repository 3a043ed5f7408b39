import { measureServer } from "../measure.mjs";
import { fewerServers, windowOf } from "../workload.mjs";

/** @param {import("../workload.mjs").Size} size */
export function latencies(size) {
  const name = "latency";
  const loaded = {
    target: {},
    payload: { kind: "text", bytes: 64 },
    connections: size.few(100),
    rate: 20_000,
    window: windowOf(size, { measureMs: 1_500 }),
  };
  return [
    {
      name,
      says: "20,000 echoes of 64 bytes a second over 100 connections, due at fixed times; the latency is the time from when an echo is due until it is read",
      contenders: fewerServers,
      rounds: 2,
      figure: { key: "p99", label: "p99 µs" },
      columns: [
        { key: "p50", label: "p50 µs" },
        { key: "p999", label: "p99.9 µs" },
        { key: "cpuMicros", label: "CPU µs/message" },
      ],
      measure: (contender, host) =>
        measureServer(
          { name, contender, host },
          { name: "echo", options: { compression: false } },
          { name: "latency", options: loaded },
        ),
    },
  ];
}
