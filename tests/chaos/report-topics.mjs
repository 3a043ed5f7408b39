import { keyedTopic, logTopic } from "../../dist/live/index.js";

/** Reports each event of `devices` to the parent process, and reads topics when it asks. */
export async function reportTopics(broker, retention) {
  const told = [];
  let follow = (event) => told.push(sent(event));
  const devices = keyedTopic("devices", { retention });
  const { epoch, offset } = await broker.openTopic(devices, (event) => follow(event));
  process.send({ kind: "opened", position: { epoch, offset }, told });
  follow = (event) => process.send({ kind: "event", event: sent(event) });
  process.on("message", ({ read }) => {
    if (read !== undefined) void report(read);
  });

  async function report(name) {
    const events = [];
    const declare = name === "news" ? logTopic : keyedTopic;
    const topic = await broker.openTopic(declare(name, { retention }), (event) =>
      events.push(sent(event)),
    );
    await topic.close();
    process.send({ kind: "read", events });
  }
}

/** An event as it crosses to another process. */
function sent({ offset, at, key, json, removed }) {
  return { offset, at, key, removed, ...(!removed && { json }) };
}
