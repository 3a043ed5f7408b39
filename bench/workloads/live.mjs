import { text } from "../load/payloads.mjs";
import { measureServer, withProcesses } from "../measure.mjs";
import { cpuPerMessage, messageColumns, windowOf } from "../workload.mjs";

const ours = ["longwire", "longwire-public"];

/** @param {import("../workload.mjs").Size} size */
export function live(size) {
  return [fanout(size), resume(size), idle(size), stalled(size)];
}

function fanout(size) {
  const name = "live-fanout";
  const window = windowOf(size);
  return {
    name,
    says: "a key of a topic is set, 200 bytes of JSON, for 1,000 subscribers with positions (Level 1), and the next one when all have received it",
    contenders: [...ours, "socket.io", "engine.io"],
    baselines: ["socket.io", "engine.io"],
    rounds: 2,
    figure: cpuPerMessage,
    columns: messageColumns,
    measure: (contender, host) =>
      measureServer(
        { name, contender, host },
        { name: "live-keyed", options: { text: text(120) } },
        {
          name: "liveFanout",
          options: { target: {}, contender: contender.name, subscribers: size.few(1_000), window },
        },
      ),
  };
}

function resume(size) {
  const name = "live-resume";
  const subscribers = size.few(1_000);
  const missed = size.few(100);
  return {
    name,
    says: "1,000 disconnected subscribers reconnect at once and receive the 100 events that they missed",
    contenders: [...ours, "socket.io"],
    baselines: ["socket.io"],
    rounds: 2,
    figure: { key: "cpuMicros", label: "CPU µs/subscriber" },
    columns: [{ key: "seconds", label: "s until all are up to date" }],
    measure: (contender, host) =>
      withProcesses({ name, contender, host }, async ({ start, load }) => {
        const { port } = await start("live-log", { text: text(120) });
        await load("liveLeave", { target: { port }, contender: contender.name, subscribers });
        return load("liveReturn", { missed });
      }),
  };
}

function idle(size) {
  const name = "live-idle";
  const first = size.few(1_000);
  const more = size.few(5_000);
  return {
    name,
    says: "the server's memory for each of 5,000 subscribers that have received an event, after garbage collection",
    contenders: [...ours, "socket.io", "engine.io"],
    baselines: ["socket.io", "engine.io"],
    rounds: 1,
    figure: { key: "kib", label: "KiB/subscriber" },
    columns: [{ key: "rssMib", label: "RSS MiB", digits: 0 }],
    method: `the growth of RSS, without V8's young generation, from ${first.toLocaleString("en-US")} to ${(first + more).toLocaleString("en-US")} subscribers, after forced collections`,
    measure: (contender, host) =>
      withProcesses({ name, contender, host }, async ({ start, ask, load }) => {
        const { port } = await start("live-keyed", { text: text(120) });
        const audience = { target: { port }, contender: contender.name };
        await load("liveGather", { ...audience, subscribers: first });
        const before = await ask("collect");
        await load("liveGather", { ...audience, subscribers: more, first: 2 });
        const after = await ask("collect");
        const kib = Math.max(0, after.settledKib - before.settledKib) / more;
        return { figures: { kib, rssMib: after.residentKib / 1024 } };
      }),
  };
}

function stalled(size) {
  const name = "live-stalled";
  const subscribers = size.few(1_000);
  return {
    name,
    says: "one of 1,000 subscribers stops reading while 200 events of 64 KiB are published to all of them",
    contenders: [...ours, "socket.io", "engine.io"],
    baselines: ["socket.io", "engine.io"],
    rounds: 1,
    figure: { key: "growthMib", label: "memory growth MiB" },
    columns: [
      { key: "p50", label: "others' p50 µs" },
      { key: "p99", label: "p99 µs" },
      { key: "p50Before", label: "without a stall: p50 µs" },
      { key: "p99Before", label: "p99 µs" },
    ],
    measure: (contender, host) =>
      withProcesses({ name, contender, host }, async ({ start, ask, load }) => {
        const { port } = await start("live-keyed", { text: text(64 * 1024) });
        await load("liveGather", { target: { port }, contender: contender.name, subscribers });
        const usual = await load("liveStalled", { stalled: 0, events: size.few(50) });
        const before = await ask("collect");
        const withStalled = await load("liveStalled", { stalled: 1, events: size.few(200) });
        const after = await ask("collect");
        return {
          figures: {
            growthMib: Math.max(0, after.settledKib - before.settledKib) / 1024,
            p50: withStalled.figures.p50,
            p99: withStalled.figures.p99,
            p50Before: usual.figures.p50,
            p99Before: usual.figures.p99,
          },
        };
      }),
  };
}
