import { Connections } from "../load/connections.mjs";
import { frame, TEXT } from "../load/frames.mjs";
import { dialogueOf } from "../load/live-dialogue.mjs";
import { text } from "../load/payloads.mjs";

/**
 * Loads that can be stopped and started again, so that two servers take turns.
 *
 * @typedef {object} Stoppable
 * @property {string} says what happens
 * @property {string} role what the server is
 * @property {object} options the role's
 * @property {(port: number) => Promise<Flow>} open
 */

/** A load of one server. */
export class Flow {
  #connections;
  #start;
  #isRunning = false;
  #messages = 0;
  #onIdle;

  /**
   * @param {Connections} connections
   * @param {() => void} start sends what sets all in motion
   */
  constructor(connections, start) {
    this.#connections = connections;
    this.#start = start;
  }

  /** Ends the run when it rejects. */
  get failure() {
    return this.#connections.failure;
  }

  cut() {
    this.#connections.cut();
  }

  get isRunning() {
    return this.#isRunning;
  }

  /** @param {number} messages that came */
  count(messages) {
    this.#messages += messages;
  }

  /** All that was asked for has come, and nothing more was asked for. */
  rest() {
    this.#onIdle?.();
  }

  start() {
    this.#messages = 0;
    this.#isRunning = true;
    this.#start();
  }

  /** @returns {Promise<number>} how many messages came since `start`, once no more do */
  async stop() {
    const idle = new Promise((resolve) => {
      this.#onIdle = resolve;
    });
    this.#isRunning = false;
    await Promise.race([idle, this.failure]);
    return this.#messages;
  }
}

/** @type {Record<string, Stoppable>} */
export const stoppable = {
  echo: {
    says: "100 connections send a text of 64 bytes each and wait for its echo",
    role: "echo",
    options: { compression: false },
    open: openEcho,
  },
  broadcast: {
    says: "a text of 200 bytes is published to 1,000 subscribers, the next when all have it",
    role: "broadcast",
    options: { compression: false, text: text(200) },
    open: (port) => openAudience({ port }, { control: { path: "/control" }, publish: String }),
  },
  "live-fanout": {
    says: "a key of a topic is set, 200 bytes of JSON, for 1,000 subscribers with positions; the next when all have it",
    role: "live-keyed",
    options: { text: text(120) },
    open: async (port) => openAudience({ port }, await dialogueOf("longwire")),
  },
};

const ECHOES = 100;
const SUBSCRIBERS = 1_000;

async function openEcho(port) {
  const connections = new Connections({ port });
  const opened = await connections.open(ECHOES);
  const message = frame(TEXT, Buffer.from(text(64)));
  let underWay = 0;
  const flow = new Flow(connections, () => {
    underWay = opened.length;
    for (const { socket } of opened) socket.write(message);
  });
  for (const connection of opened) {
    connection.count((messages) => {
      flow.count(messages);
      if (flow.isRunning) return connection.socket.write(message);
      underWay -= 1;
      if (underWay === 0) flow.rest();
    });
  }
  return flow;
}

async function openAudience(target, { subscriber, subscribe, control, publish }) {
  const connections = new Connections(target);
  const listening = await connections.open(SUBSCRIBERS, subscriber);
  if (subscribe !== undefined) await Promise.all(listening.map((each) => subscribe(each)));
  const [publishing] = await connections.open(1, control);
  let awaited = 0;
  const next = () => {
    awaited = listening.length;
    publishing.sendText(publish(1));
  };
  const flow = new Flow(connections, next);
  for (const connection of listening) {
    connection.count((messages) => {
      flow.count(messages);
      awaited -= messages;
      if (awaited > 0) return;
      if (flow.isRunning) next();
      else flow.rest();
    });
  }
  return flow;
}
