import { startEngine } from "../engines.mjs";
import { text } from "../load/payloads.mjs";
import { withProcesses } from "../measure.mjs";
import { cpuPerMessage, messageColumns, windowOf } from "../workload.mjs";

const contenders = ["longwire", "longwire-redis", "longwire-nats", "socket.io", "socket.io-redis"];
const shared = contenders.filter((name) => name.includes("-"));

/** @param {import("../workload.mjs").Size} size */
export function liveBrokers(size) {
  return [
    {
      ...common(size, "live-broker-fanout", 1),
      says: "like live-fanout, with brokers: the server publishes to 1,000 subscribers of its own",
      contenders,
      subscribers: 1_000,
    },
    {
      ...common(size, "live-broker-follow", 1),
      says: "the same, published on another server with the same broker; the cost is that of the server with the subscribers",
      contenders: shared,
      subscribers: 1_000,
      isElsewhere: true,
    },
    {
      ...common(size, "live-broker-paced", 1),
      says: "one event every 20 ms, for every broker, to 1,000 subscribers of the server that publishes it",
      contenders,
      subscribers: 1_000,
      everyMs: 20,
    },
    {
      ...common(size, "live-broker-burst", 20),
      says: "20 events at a time to 1,000 subscribers of the server that publishes them",
      contenders,
      subscribers: 1_000,
      role: "live-log",
    },
    {
      ...common(size, "live-broker-events", 100),
      says: "100 events at a time to one subscriber: the cost of an event for the server that publishes it",
      contenders,
      subscribers: 1,
      role: "live-log",
    },
  ].map((workload) => ({
    ...workload,
    measure: (contender, host) => measure(workload, contender, { host, size }),
  }));
}

function common(size, name, burst) {
  return {
    name,
    burst,
    role: "live-keyed",
    baselines: ["longwire", "socket.io-redis"],
    rounds: 3,
    figure: cpuPerMessage,
    columns: messageColumns,
    window: windowOf(size),
  };
}

async function measure(
  { name, role, burst, everyMs, subscribers, isElsewhere, window },
  contender,
  { host, size },
) {
  const engine = contender.engine && (await startEngine(contender.engine));
  const options = { text: text(120), brokerUrl: engine?.url };
  const run = { name, contender, host };
  try {
    return await withProcesses(run, async ({ start, startAnother, load }) => {
      const { port } = await start(role, options);
      const publisher = isElsewhere ? (await startAnother(role, options)).port : port;
      return load("liveFanout", {
        target: { port },
        publisher,
        contender: contender.name,
        subscribers: size.few(subscribers),
        burst: size.few(burst),
        everyMs,
        window,
      });
    });
  } finally {
    await engine?.stop();
  }
}
