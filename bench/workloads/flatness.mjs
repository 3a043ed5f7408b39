import { text } from "../load/payloads.mjs";
import { measureServer } from "../measure.mjs";
import { windowOf } from "../workload.mjs";

/** The growth is 1 if the cost does not depend on the number. */
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
    says: "CPU time per echo on the same 100 connections while 100, 1,000 or 10,000 are open in total, and on all 10,000 in turn",
    contenders: ["longwire", "longwire-public", "ws", "uwebsockets", "net"],
    rounds: 1,
    baselines: [],
    figure: growth,
    columns: [...columnsOf(counts), { key: "round", label: "all in turn: µs" }],
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
    says: "CPU time per message in a long run of echo-pipelined: the last sixth compared with the first",
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
    says: "CPU time per event with an increasing number of open topics; the topics are divided among 10 subscribers, and each subscriber receives one event at a time, from all its topics in turn",
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
