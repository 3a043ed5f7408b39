import { CpuTime } from "../cpu-time.mjs";
import { Connections } from "./connections.mjs";
import { dialogueOf } from "./live-dialogue.mjs";
import { latencyFigures } from "./percentile.mjs";
import { stage } from "./stage.mjs";
import { Timed } from "./window.mjs";

/** Subscribers of a live layer, and the connection that has it publish. */
class Audience {
  connections;
  subscribers;
  /** The position from which each subscriber resumes. */
  states;
  dialogue;
  #control;

  /** @param options with `publisher`, where another server publishes: its port */
  static async gather({ target, contender, subscribers, publisher = target.port }) {
    const audience = new Audience();
    audience.dialogue = await dialogueOf(contender);
    audience.connections = new Connections(target);
    const publishing = new Connections({ ...target, port: publisher });
    await audience.join(subscribers);
    const { control, openControl } = audience.dialogue;
    [audience.#control] = await publishing.open(1, control);
    await openControl?.(audience.#control);
    return audience;
  }

  /** @param {any[]} [states] with which they come back */
  async join(count, states) {
    const { dialogue, connections } = this;
    const joining = await connections.open(count, dialogue.subscriber);
    stage.text = `subscribing ${count}`;
    this.subscribers = joining;
    this.states = await Promise.race([
      Promise.all(joining.map((each, index) => dialogue.subscribe(each, states?.[index]))),
      connections.failure,
    ]);
  }

  publish(count) {
    this.#control.sendText(this.dialogue.publish(count));
  }

  /** Reads `count` events of every subscriber: each one's must follow each other. */
  async verify(count, first) {
    stage.text = `reading ${count} events of each subscriber`;
    const reading = this.subscribers.map(async (subscriber, index) => {
      let expected = first;
      while (expected < first + count) {
        const text = await subscriber.nextText();
        const sequence = this.dialogue.sequenceOf(text, this.states[index]);
        if (sequence === undefined) continue;
        if (sequence !== expected) throw new Error(`event ${sequence} came for ${expected}`);
        expected += 1;
      }
    });
    await Promise.race([Promise.all(reading), this.connections.failure]);
  }
}

/**
 * An event, or a burst of them, is published when all subscribers have the one before; with
 * `everyMs` each time that has passed, whoever has what.
 */
export async function liveFanout(options, pid) {
  const { burst = 1, everyMs } = options;
  const audience = await Audience.gather(options);
  audience.publish(1);
  await audience.verify(1, 1);
  const timed = new Timed(pid, audience.connections.failure);
  let awaited = 0;
  const publish = () => {
    awaited = audience.subscribers.length * burst;
    audience.publish(burst);
  };
  for (const subscriber of audience.subscribers) {
    subscriber.count((messages) => {
      timed.messages += messages;
      awaited -= messages;
      if (awaited === 0 && everyMs === undefined) publish();
    });
  }
  publish();
  const timer = everyMs && setInterval(publish, everyMs);
  const figures = await timed.measure(options.window);
  clearInterval(timer);
  audience.connections.cut();
  return { figures };
}

const ASKED_AT_ONCE = 200;

let resuming;

/** Subscribes all, has them see an event, and cuts them. */
export async function liveLeave(options) {
  const audience = await Audience.gather(options);
  audience.publish(1);
  await audience.verify(1, 1);
  for (const subscriber of audience.subscribers) subscriber.cut();
  resuming = audience;
}

/** Has events published that nobody gets, and brings all back at once; the whole of it is timed. */
export async function liveReturn({ missed }, pid) {
  const { states, subscribers } = resuming;
  resuming.publish(missed);
  const cpu = new CpuTime(pid);
  const started = performance.now();
  await resuming.join(subscribers.length, states);
  await resuming.verify(missed, 2);
  const micros = cpu.lap();
  const seconds = (performance.now() - started) / 1000;
  resuming.connections.cut();
  return {
    figures: {
      cpuMicros: micros / subscribers.length,
      seconds,
      waited: cpu.waited / 1e6 / seconds,
    },
  };
}

let watching;

/**
 * Subscribes all; with `liveStalled` in two steps, so that memory can be looked at between.
 *
 * @param options with `first`, the number of the event that is published then, default 1
 */
export async function liveGather({ first = 1, ...options }) {
  watching = await Audience.gather(options);
  watching.publish(1);
  await watching.verify(1, first);
}

/**
 * Has events published one after another while some subscribers read nothing.
 *
 * @returns the others' latency, from the request to publish on
 */
export async function liveStalled({ stalled, events }) {
  const { subscribers, connections } = watching;
  for (const subscriber of subscribers.slice(0, stalled)) subscriber.socket.pause();
  const others = subscribers.slice(stalled);
  const times = [];
  let left = events;
  let awaited = 0;
  let published = 0;
  let done;
  const publish = () => {
    if (left === 0) return done();
    left -= 1;
    awaited = others.length;
    published = performance.now();
    watching.publish(1);
  };
  for (const other of others) {
    other.count((messages) => {
      const millis = performance.now() - published;
      for (let seen = messages; seen > 0; seen -= 1) times.push(millis);
      awaited -= messages;
      if (awaited === 0) publish();
    });
  }
  const all = new Promise((resolve) => {
    done = resolve;
  });
  stage.text = `publishing ${events} events, ${stalled} subscribers stalled`;
  publish();
  await Promise.race([all, connections.failure]);
  return { figures: latencyFigures(times) };
}

/** How many topics get their first event at a time. */
const WARM_BURST = 1_000;

/**
 * Few subscribers that follow many topics each; a burst is published over successive topics when
 * all of the one before has come.
 */
export async function liveTopics({ target, contender, subscribers, topics, burst, window }, pid) {
  const { subscriber, control } = await dialogueOf(contender);
  const connections = new Connections(target);
  const opened = await connections.open(subscribers, subscriber);
  await Promise.race([
    Promise.all(opened.map((each, index) => follow(each, index, { topics, subscribers }))),
    connections.failure,
  ]);
  const [publisher] = await connections.open(1, control);
  stage.text = `publishing over ${topics} topics`;
  const timed = new Timed(pid, connections.failure);
  let awaited = 0;
  // A topic's first event makes its log, once; what the later ones cost is the question.
  let unheard = topics;
  let allHeard;
  const warm = new Promise((resolve) => (allHeard = resolve));
  const publish = () => {
    if (unheard <= 0) allHeard();
    awaited = unheard > 0 ? Math.min(unheard, WARM_BURST) : burst;
    unheard -= awaited;
    publisher.sendText(String(awaited));
  };
  for (const each of opened) {
    each.count((messages) => {
      timed.messages += messages;
      awaited -= messages;
      if (awaited === 0) publish();
    });
  }
  publish();
  await Promise.race([warm, connections.failure]);
  const figures = await timed.measure(window);
  connections.cut();
  return { figures };
}

async function follow(connection, index, { topics, subscribers }) {
  let asked = 0;
  let answered = 0;
  for (let number = index; number < topics || answered < asked;) {
    for (; number < topics && asked - answered < ASKED_AT_ONCE; number += subscribers) {
      const topic = `topics/${number}`;
      connection.sendText(JSON.stringify({ type: "subscribe", id: number, topic }));
      asked += 1;
    }
    const { type, code, message } = JSON.parse(await connection.nextText());
    if (type === "error") throw new Error(`${code}: ${message}`);
    if (type === "snapshot") answered += 1;
  }
}
