import type { Abuser } from "../abuser.ts";
import { WebSocketClient } from "../web-socket.ts";

const SUBSCRIPTIONS = 1_000;
const WINDOW = 50;

/** Every connection has as many subscriptions as it may, to the same names, and publishes to them. */
export async function all(abuser: Abuser): Promise<void> {
  await abuser.crowd(100, async (at) => {
    const client = await WebSocketClient.open(abuser);
    for (let name = 0; name < SUBSCRIPTIONS && !abuser.isOver; name += WINDOW) {
      const requests = Array.from({ length: WINDOW }, (_, next) => ({
        type: "subscribe",
        topic: `rooms/shared-${name + next}`,
      }));
      await client.askAll(requests);
    }
    while (!abuser.isOver) {
      const topic = `rooms/shared-${(at * 37) % SUBSCRIPTIONS}`;
      await client.ask({ type: "publish", topic, data: "x".repeat(1_000) });
    }
    client.socket.destroy();
  });
}
