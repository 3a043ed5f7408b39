import { liveEvent } from "./live-event.mjs";

export const liveRoles = {
  "live-keyed": async (options) => {
    const { keyedTopic } = await load();
    return serve({ ...options, topics: [keyedTopic(TOPIC)], publish: setNext });
  },
  "live-log": async (options) => {
    const { logTopic } = await load();
    return serve({ ...options, topics: [logTopic(TOPIC)], publish: publishNext });
  },
  "live-topics": async (options) => {
    const { keyedTopic } = await load();
    return serve({ ...options, topics: [keyedTopic("topics/:number")], publish: setOneOfMany });
  },
};

/** @type {import("../../load/live-dialogue.mjs").LiveDialogue} */
export const live = {
  subscriber: { path: "/live", protocol: "longwire.v1" },
  subscribe,
  sequenceOf(text, state) {
    const { type, offset, data } = JSON.parse(text);
    if (type !== "event") return undefined;
    state.offset = offset;
    return data.sequence;
  },
  control: { path: "/control" },
  publish: String,
};

const TOPIC = "prices";

async function subscribe(connection, since) {
  await until(connection, "welcome");
  connection.sendText(JSON.stringify({ type: "subscribe", id: 1, topic: TOPIC, since }));
  const { epoch, offset, resumed, kind } = await until(connection, "subscribed");
  if (since !== undefined && !resumed) throw new Error("it was not resumed");
  if (kind === "keyed") await until(connection, "snapshot");
  return { epoch, offset };
}

async function until(connection, type) {
  for (;;) {
    const message = JSON.parse(await connection.nextText());
    if (message.type === "error") throw new Error(`${message.code}: ${message.message}`);
    if (message.type === type) return message;
  }
}

async function load() {
  return import("longwire/live");
}

async function serve({ topics, publish, text, limits, topicCount, brokerUrl }) {
  const { LiveServer } = await load();
  const { openBroker } = await import("longwire/brokers");
  const { WebSocketServer } = await import("longwire/server");
  const broker = await openBroker({ broker: brokerUrl });
  const live = await LiveServer.open({ broker, topics, ...limits });
  let sequence = 0;
  const control = {
    path: "/control",
    onMessage: (_, count) => {
      for (let left = Number(count); left > 0; left -= 1) {
        sequence += 1;
        void publish(live, liveEvent(sequence, text), topicCount);
      }
    },
  };
  const server = new WebSocketServer([control, live.endpoint("/live")]);
  const { port } = await server.listen();
  return { port, commands: { connections: () => server.peers.size } };
}

function setNext(live, event) {
  return live.topic(TOPIC).set(event.symbol, event);
}

function publishNext(live, event) {
  return live.topic(TOPIC).publish(event);
}

function setOneOfMany(live, event, topicCount) {
  return live.topic(`topics/${event.sequence % topicCount}`).set(event.symbol, event);
}
