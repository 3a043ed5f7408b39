import type { Abuser } from "../abuser.ts";
import { longText, MEGABYTE } from "../filler.ts";
import type { World } from "../row.ts";
import { WebSocketClient } from "../web-socket.ts";

const LARGE_NAMES = 1_500;
const MANY_NAMES = 100_000;
const NAMES_PER_CONNECTION = 1_000;
const SUBSCRIBERS = 20;

/** A long event to each of many names of a pattern. */
export async function large(abuser: Abuser): Promise<void> {
  const data = JSON.parse(longText(MEGABYTE)) as string;
  let next = 0;
  await abuser.crowd(10, async () => {
    const client = await WebSocketClient.open(abuser);
    while (!abuser.isOver && next < LARGE_NAMES) {
      await client.ask({ type: "publish", topic: `rooms/large-${next++}`, data });
    }
    await abuser.pause(60_000);
    client.socket.destroy();
  });
}

/** So many names that nobody else may get one: subscribed to and left. */
export async function many(abuser: Abuser): Promise<void> {
  let next = 0;
  await abuser.crowd(SUBSCRIBERS, async () => {
    if (next >= MANY_NAMES) return abuser.pause(1_000);
    const client = await WebSocketClient.open(abuser);
    const first = next;
    next += NAMES_PER_CONNECTION;
    const requests = Array.from({ length: NAMES_PER_CONNECTION }, (_, at) => ({
      type: "subscribe",
      topic: `rooms/many-${first + at}`,
    }));
    await client.askAll(requests);
    client.socket.destroy();
  });
}

/** A new name is there for others. */
export async function othersGetOne({ bystander }: World): Promise<string | undefined> {
  const request = { type: "publish", topic: "rooms/of-the-bystander", data: "mine" };
  const answer = await bystander.ask(request);
  return answer.type === "published"
    ? undefined
    : `the bystander got no new name (${answer.code ?? answer.type})`;
}
