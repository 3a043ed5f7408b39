import { text } from "../load/payloads.mjs";
import { measureServer } from "../measure.mjs";
import { windowOf } from "../workload.mjs";

/** What costs the same however much there is has a growth of 1. */
const growth = { key: "growth", label: "last / first" };

/** @param {import("../workload.mjs").Size} size */
export function flatness(size) {
  return [flatConnections(size), flatMessages(size), flatTopics(size)];
}

function flatConnections(size) {
  const name = "flat-connections";
  const counts = [...new Set([100, 1_000, 10_000].map((count, at) => size.few(count, 5 + at)))];
  return {
    name,
    says: "CPU per echo of the same 100 connections while others are open and idle; and with the echoes going round all 10,000",
    contenders: ["longwire", "longwire-public", "ws", "uwebsockets", "net"],
    rounds: 1,
    baselines: [],
    figure: growth,
    columns: [...columnsOf(counts), { key: "round", label: "round all: µs" }],
    measure: (contender, host) =>
      measureServer(
        { name, contender, host },
        { name: "echo", options: { compression: false } },
        {
          name: "flatConnections",
          options: {
            target: {},
            payload: { kind: "text", bytes: 64 },
            counts,
            inFlight: size.few(100),
            window: windowOf(size),
          },
        },
      ),
  };
}

function columnsOf(counts) {
  return counts.map((count) => ({
    key: `at${count}`,
    label: `${count.toLocaleString("en-US")}: µs`,
  }));
}

function flatMessages(size) {
  const name = "flat-messages";
  const loaded = {
    target: {},
    payload: { kind: "text", bytes: 64 },
    connections: size.few(50),
    batch: size.few(50),
    parts: size.few(6),
    window: windowOf(size, { warmMessages: 200_000 }),
  };
  return {
    name,
    says: "CPU per message of a long echo-pipelined: the last sixth against the first",
    contenders: ["longwire", "longwire-public", "ws"],
    rounds: 1,
    baselines: [],
    figure: growth,
    columns: [
      { key: "messages", label: "messages", digits: 0 },
      { key: "first", label: "first: µs" },
      { key: "last", label: "last: µs" },
      { key: "rssFirst", label: "first: RSS MiB", digits: 0 },
      { key: "rssLast", label: "last: RSS MiB", digits: 0 },
    ],
    measure: (contender, host) =>
      measureServer(
        { name, contender, host },
        { name: "echo", options: { compression: false } },
        { name: "flatMessages", options: loaded },
      ),
  };
}

function flatTopics(size) {
  const name = "flat-topics";
  const counts = [10, 1_000, 100_000].map((count, at) => size.few(count, 10 * (at + 1)));
  const limits = { maxSubscriptions: 100_000, requestBurst: 1_000_000 };
  const measureOne = (run, topics) =>
    measureServer(
      run,
      { name: "live-topics", options: { text: text(120), topicCount: topics, limits } },
      {
        name: "liveTopics",
        options: {
          target: {},
          contender: run.contender.name,
          subscribers: 10,
          topics,
          burst: 10,
          window: windowOf(size),
        },
      },
    );
  return {
    name,
    says: "CPU per event while ever more topics are open; 10 subscribers share them, an event for each at a time, and over all topics",
    contenders: ["longwire", "longwire-public"],
    rounds: 1,
    baselines: [],
    figure: growth,
    columns: columnsOf(counts),
    measure: async (contender, host) => {
      const figures = { waited: 0 };
      let profile;
      for (const topics of counts) {
        const measured = await measureOne({ name, contender, host }, topics);
        figures[`at${topics}`] = measured.figures.cpuMicros;
        // That of the most topics is the one to look at.
        ({ profile } = measured);
        figures.waited = Math.max(figures.waited, measured.figures.waited);
      }
      figures.growth = figures[`at${counts.at(-1)}`] / figures[`at${counts[0]}`];
      return { figures, profile };
    },
  };
}
