// A process with a disk broker, that a test may kill. It does what it is told over IPC.
import { DiskBroker } from "../../../dist/brokers/disk/index.js";
import { keyedTopic, logTopic } from "../../../dist/live/index.js";

const [folder, sync] = process.argv.slice(2);
/** All is kept, so that all can be looked at. */
const retention = { maxEvents: 1_000_000, maxBytes: 2 ** 40, maxAgeMs: 2 ** 40 };
/** How many appends are on their way at a time, in each topic. */
const AT_ONCE = 16;

const onError = ({ code, message }) => process.send({ error: code, message });
const broker = await DiskBroker.open({ folder, sync: sync === "true", onError }).catch((error) => {
  process.send({ refused: error.code, message: error.message }, () => process.exit(1));
  return new Promise(() => {});
});
const topics = new Map();

async function topicOf(name) {
  if (!topics.has(name)) {
    const declare = name.startsWith("keyed") ? keyedTopic : logTopic;
    topics.set(
      name,
      await broker.openTopic(declare(name, { retention }), ({ offset, data }) => {
        if (topics.has(name)) process.send({ told: { name, offset, data } });
      }),
    );
  }
  return topics.get(name);
}

/** Appends as fast as it goes, until it is killed. */
async function load({ names, run }) {
  for (const name of names) {
    const topic = await topicOf(name);
    let n = 0;
    const appendOn = async () => {
      for (;;) {
        n += 1;
        const data = { run, n, padding: "x".repeat((n * 37) % 400) };
        const draft = { data, idempotencyKey: `${run}-${n}` };
        if (name.startsWith("keyed")) {
          draft.key = `k${n % 7}`;
          draft.removed = n % 11 === 0;
          if (n % 3 === 0 && !draft.removed) draft.leaseMs = 3_600_000;
        }
        const { offset } = await topic.append(draft);
        process.send({ acknowledged: { name, n: data.n, offset } });
      }
    };
    for (let at = 0; at < AT_ONCE; at += 1) void appendOn();
  }
}

process.on("message", ({ id, does, ...what }) => {
  void (does === "load" ? load(what) : answer({ id, does, ...what }));
});
process.on("disconnect", () => process.exit());
process.send({ isOpen: true });

async function answer({ id, does, ...what }) {
  try {
    const topic = await topicOf(what.name);
    const { epoch } = topic;
    process.send({ id, epoch, ...(does === "append" ? await topic.append(what.draft) : {}) });
  } catch (error) {
    const { constructor, code, message } = error;
    process.send({ id, failed: code, kind: constructor.name, message });
  }
}
