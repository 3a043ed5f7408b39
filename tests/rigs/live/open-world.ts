import * as v from "valibot";
import { expect, onTestFinished } from "vitest";
import { keyedTopic, logTopic } from "../../../src/live/index.ts";
import type { Live } from "../../../src/live/client/index.ts";
import { TestLive } from "../../../src/testing/index.ts";

const device = v.object({ deviceType: v.string(), clients: v.number() });

export const api = {
  topics: [
    keyedTopic("devices/:site", {
      data: device,
      params: v.object({ deviceType: v.optional(v.string()) }),
      match: ({ deviceType }, { data }) =>
        deviceType === undefined || deviceType === data.deviceType,
    }),
    logTopic("news", { data: v.string() }),
    logTopic("rooms/:room", {
      data: v.object({ level: v.string(), text: v.string() }),
      params: v.object({ level: v.optional(v.string()) }),
      match: ({ level }, { data }) => level === undefined || level === data.level,
      presence: { data: v.object({ status: v.string() }), graceMs: 0 },
    }),
  ],
  methods: {},
} as const;

export type Api = typeof api;
export type Line = { level: string; text: string };
export type Device = v.InferOutput<typeof device>;

export const ap = (clients: number): Device => ({ deviceType: "AP", clients });
export const machine = (clients: number): Device => ({ deviceType: "machine", clients });

/** A server with two sites and a client of it, in memory. */
export interface World {
  readonly world: Awaited<ReturnType<typeof start>>;
  readonly live: Live<Api>;
  /** Lets everything arrive that is on its way. */
  arrive: () => Promise<void>;
  /** Sets keys of a site, and lets everybody learn of it. */
  set: (site: string, devices: Record<string, Device>) => Promise<void>;
  remove: (site: string, name: string) => Promise<void>;
  /** Publishes texts to a room, and lets them arrive. */
  write: (room: string, texts: readonly string[], level?: string) => Promise<void>;
  /** How many subscriptions the server has. */
  subscriptions: () => number;
  /** How many connections the server has. */
  connections: () => number;
  /** Returns the client's messages about subscriptions since the last call, in order. */
  asked: () => string[];
}

const start = () => TestLive.start({ ...api });

export async function openWorld(): Promise<World> {
  const world = await start();
  onTestFinished(() => world.close());
  const asked: string[] = [];
  const { WebSocket } = world.network;
  const live = world.connect({
    backoff: { random: () => 0.5 },
    webSocket: class extends WebSocket {
      override send(text: string): void {
        const { type, topic, params } = JSON.parse(text) as Record<string, unknown>;
        const words = [type, topic, params && JSON.stringify(params)].filter(Boolean);
        if (type === "subscribe" || type === "unsubscribe") asked.push(words.join(" "));
        super.send(text);
      }
    },
  });
  const arrive = (): Promise<void> => world.pass(20);
  await arrive();
  expect(live.status).toEqual({ state: "live" });
  return {
    world,
    live,
    arrive,
    set: async (site, devices) => {
      const topic = world.server.topic(`devices/${site}`);
      for (const [name, data] of Object.entries(devices)) await topic.set(name, data);
      await arrive();
    },
    remove: async (site, name) => {
      await world.server.topic(`devices/${site}`).remove(name);
      await arrive();
    },
    write: async (room, texts, level = "info") => {
      const topic = world.server.topic(`rooms/${room}`);
      for (const text of texts) await topic.publish({ level, text });
      await arrive();
    },
    subscriptions: () => world.server.census().subscriptions,
    connections: () => world.server.census().sessions,
    asked: () => asked.splice(0),
  };
}
