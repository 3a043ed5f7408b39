import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Abuser } from "../abuser.ts";
import { HttpClient, requestHead } from "../http.ts";
import type { World } from "../row.ts";

const NAMES = 3_000;
const READERS = 10;

/** Reads names that nobody has published to. */
export async function readNames(abuser: Abuser): Promise<void> {
  let next = 0;
  await abuser.crowd(READERS, async () => {
    if (next >= NAMES) return abuser.pause(1_000);
    const client = await HttpClient.open(abuser);
    while (!abuser.isOver && next < NAMES) {
      await client.ask(requestHead(abuser, `GET /live/rooms/read-${next++}`));
    }
    client.socket.destroy();
  });
}

export async function countBefore({ target, notes }: World): Promise<void> {
  notes.set("streams", await streamsOf(target.engine!.url));
}

/** Checks that names which are only read leave nothing in the broker. */
export async function countAfter({ target, notes }: World): Promise<string | undefined> {
  const [before, after] = [notes.get("streams"), await streamsOf(target.engine!.url)];
  return before === after
    ? undefined
    : `JetStream had ${before as number} streams before and ${after} after`;
}

async function streamsOf(url: string): Promise<number> {
  const connection = await connect({ servers: url });
  try {
    return (await (await jetstreamManager(connection)).getAccountInfo()).streams;
  } finally {
    await connection.close();
  }
}
