import type { Abuser } from "../abuser.ts";
import { WebSocketClient } from "../web-socket.ts";

/** The number of keys that a connection may send at once before its rate is limited. */
const KEYS_PER_CONNECTION = 9_800;
const CONNECTIONS = 10;
const WINDOW = 200;

/**
 * Sets very many keys that live with their connection, and leaves; again and again. No connection
 * may send 100,000 at once, so ten set them together, and go in the same moment.
 */
export async function setAndLeave(abuser: Abuser): Promise<void> {
  while (!abuser.isOver) {
    const clients = await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, at) => setKeys(abuser, at)),
    );
    for (const client of clients) client?.socket.destroy();
    await abuser.pause(500);
  }
}

async function setKeys(abuser: Abuser, connection: number): Promise<WebSocketClient | undefined> {
  try {
    const client = await WebSocketClient.open(abuser);
    for (let at = 0; at < KEYS_PER_CONNECTION && !abuser.isOver; at += WINDOW) {
      const requests = Array.from({ length: WINDOW }, (_, next) => {
        const name = `device ${connection}.${at + next}`;
        const data = { name, deviceType: "AP" };
        return { type: "publish", topic: "devices", key: name, data };
      });
      await client.askAll(requests);
    }
    return client;
  } catch {
    return undefined;
  }
}
