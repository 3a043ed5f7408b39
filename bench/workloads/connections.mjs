import { measureServer, withProcesses } from "../measure.mjs";

const contenders = ["longwire", "longwire-public", "ws", "uwebsockets", "bun", "net"];

/** @param {import("../workload.mjs").Size} size */
export function connections(size) {
  return [
    handshakes(size),
    idle(size, {
      name: "idle",
      says: "the server's memory for each of 10,000 idle connections, after garbage collection",
      compression: false,
      figure: { key: "before", label: "KiB/connection" },
      columns: [
        { key: "after", label: "after one message each" },
        { key: "rssMib", label: "RSS MiB", digits: 0 },
      ],
    }),
    idle(size, {
      name: "idle-compressed",
      says: "like idle, with permessage-deflate negotiated and one compressed message in each direction",
      compression: true,
      figure: { key: "after", label: "KiB/connection" },
      columns: [
        { key: "before", label: "before the message" },
        { key: "rssMib", label: "RSS MiB", digits: 0 },
      ],
    }),
  ];
}

function handshakes(size) {
  const name = "handshakes";
  const loaded = { target: {}, warm: size.few(1_000), connections: size.few(5_000) };
  return {
    name,
    says: "5,000 connections are opened, 100 at a time, after 1,000 connections for warm-up",
    contenders,
    rounds: 2,
    figure: { key: "cpuMicros", label: "CPU µs/handshake" },
    columns: [
      { key: "perSecond", label: "handshakes/s", digits: 0 },
      { key: "rssMib", label: "RSS MiB", digits: 0 },
    ],
    measure: (contender, host) =>
      measureServer(
        { name, contender, host },
        { name: "echo", options: { compression: false } },
        { name, options: loaded },
      ),
  };
}

/**
 * The first connections pay for what all share, as pools and compiled code; so what counts is how
 * memory grows with those that come after.
 */
function idle(size, { compression, ...described }) {
  const { name } = described;
  const first = size.few(2_000);
  const more = size.few(10_000);
  const payload = compression ? { kind: "json" } : { kind: "text", bytes: 64 };
  return {
    ...described,
    contenders,
    rounds: 1,
    method: `the growth of RSS, without V8's young generation, from ${first.toLocaleString("en-US")} to ${(first + more).toLocaleString("en-US")} connections, after forced collections`,
    measure: (contender, host) =>
      withProcesses({ name, contender, host }, async ({ start, ask, load }) => {
        const { port } = await start("echo", { compression });
        const target = { port, compression };
        await load("openIdle", { target, connections: first });
        await load("exchangeIdle", { target, payload, first: 0 });
        const some = await ask("collect");
        await load("openIdle", { target, connections: more });
        const before = await ask("collect");
        await load("exchangeIdle", { target, payload, first });
        const after = await ask("collect");
        return {
          figures: {
            before: (before.settledKib - some.settledKib) / more,
            after: (after.settledKib - some.settledKib) / more,
            rssMib: after.residentKib / 1024,
          },
        };
      }),
  };
}
