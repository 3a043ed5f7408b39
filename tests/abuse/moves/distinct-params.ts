import type { Abuser } from "../abuser.ts";
import { manyFields, MEGABYTE } from "../filler.ts";
import { HttpClient, requestHead } from "../http.ts";
import { WebSocketClient } from "../web-socket.ts";
import { publishAll, setKey } from "./publish-large.ts";

const KEYS = 20;
const SMALL_KEYS = 20_000;
/** Each with its own window of so many publishes. */
const PUBLISHERS = 4;
const WINDOW = 200;
const NAMES = 500;
const BETWEEN_SUBSCRIBES_MS = 20;
const MONITOR_PARAMS = 2_000;

/** Every connection subscribes over and over, with params that nobody had before. */
export async function everNew(abuser: Abuser): Promise<void> {
  const bodies = Array.from({ length: KEYS }, (_, key) =>
    setKey(`k${key}`, manyFields(MEGABYTE, key)),
  );
  await publishAll(abuser, "state", bodies);
  await subscribeOverAndOver(abuser, (at, count) => ({ x: `${at}.${count}` }));
}

/** Long params over many keys: each look at each key costs. */
export async function long(abuser: Abuser): Promise<void> {
  await setSmallKeys(abuser);
  await subscribeOverAndOver(abuser, (at, count) => longParams(`${at}.${count}`, 20));
}

/** The same as a query of a plain GET. */
export async function inQueries(abuser: Abuser): Promise<void> {
  await setSmallKeys(abuser);
  await abuser.crowd(100, async (at) => {
    const client = await HttpClient.open(abuser);
    for (let count = 0; !abuser.isOver; count += 1) {
      const params = longParams(`${at}.${count}`, 12);
      const query = new URLSearchParams(params as Record<string, string>).toString();
      await client.ask(requestHead(abuser, `GET /live/state?${query.slice(0, 9_900)}`));
    }
    client.socket.destroy();
  });
}

/** Level 0 clients of the monitor, with params that match none of its fields. */
export async function onTheMonitor(abuser: Abuser): Promise<void> {
  let next = 0;
  await abuser.crowd(100, async () => {
    if (next >= MONITOR_PARAMS) return abuser.pause(1_000);
    const path = `/live/devices?x=${next++}`;
    const client = await WebSocketClient.open(abuser, { path, subprotocol: "" });
    await abuser.pause(500);
    client.socket.destroy();
  });
}

async function subscribeOverAndOver(
  abuser: Abuser,
  params: (at: number, count: number) => object,
): Promise<void> {
  await abuser.crowd(100, async (at) => {
    const client = await WebSocketClient.open(abuser);
    for (let count = 0; !abuser.isOver; count += 1) {
      const request = { type: "subscribe", topic: "state", params: params(at, count) };
      await client.ask(request);
      await abuser.pause(BETWEEN_SUBSCRIBES_MS);
    }
    client.socket.destroy();
  });
}

async function setSmallKeys(abuser: Abuser): Promise<void> {
  const publishers = Array.from({ length: PUBLISHERS }, async (_, publisher) => {
    const client = await WebSocketClient.open(abuser);
    for (let at = publisher; at < SMALL_KEYS; at += PUBLISHERS * WINDOW) {
      const requests = Array.from({ length: WINDOW }, (_, next) => {
        const v = at + next * PUBLISHERS;
        const data = { name: `device ${v}`, v };
        return { type: "publish", topic: "state", key: `k${v}`, data };
      });
      await client.askAll(requests);
    }
    client.socket.destroy();
  });
  await Promise.all(publishers);
}

/** Params of 500 names, `length` characters a name and its value. */
function longParams(seed: string, length: number): object {
  const names = Array.from({ length: NAMES }, (_, at) => [
    `${at}-${seed}`.slice(0, length - 4).padEnd(length - 4, "n"),
    "v",
  ]);
  return Object.fromEntries(names) as object;
}
