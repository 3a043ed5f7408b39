import type { Abuser } from "../abuser.ts";
import type { World } from "../row.ts";
import { WebSocketClient } from "../web-socket.ts";

const SUBSCRIPTIONS = 1_000;
const WINDOW = 50;
/**
 * Each is charged 2 KiB, and a payer's share is 48 MiB: 24,000. Twice as many, since the abuser may
 * be slow to see that a connection was cut off to make room for another one's.
 */
const MOST_IN_A_SHARE = 48_000;

/** Every connection has as many subscriptions as it may, to the same names, and publishes to them. */
export async function all(abuser: Abuser): Promise<void> {
  let present = 0;
  await abuser.crowd(100, async (at) => {
    const client = await WebSocketClient.open(abuser);
    let own = 0;
    client.socket.once("close", () => (present -= own));
    for (let name = 0; name < SUBSCRIPTIONS && !abuser.isOver; name += WINDOW) {
      const requests = Array.from({ length: WINDOW }, (_, next) => ({
        type: "subscribe",
        topic: `rooms/shared-${name + next}`,
      }));
      const answers = await client.askAll(requests);
      const granted = answers.filter((type) => type === "subscribed").length;
      own += granted;
      present += granted;
      abuser.sawMost("subscriptions", present);
    }
    while (!abuser.isOver) {
      const topic = `rooms/shared-${(at * 37) % SUBSCRIPTIONS}`;
      await client.ask({ type: "publish", topic, data: "x".repeat(1_000) });
    }
    client.socket.destroy();
  });
}

/** Nobody has more subscriptions than a payer's share has room for. */
export function asManyAsAShareHas({ abuser }: World): Promise<string | undefined> {
  const count = abuser?.most.subscriptions ?? 0;
  return Promise.resolve(
    count <= MOST_IN_A_SHARE ? undefined : `one client had ${count} subscriptions at one time`,
  );
}
