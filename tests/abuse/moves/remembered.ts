import type { Abuser } from "../abuser.ts";
import { emptyArrays } from "../filler.ts";
import { WebSocketClient } from "../web-socket.ts";

const ANSWER_CHARACTERS = 32 * 1024 - 10;
/** Below the largest message. */
const PARAMS_BYTES = 1_000_000;
const PENDING = 256;
const IN_FLIGHT = 50;

/** Calls with ever new idempotency keys, whose answers are as long as any that is remembered. */
export async function answers(abuser: Abuser): Promise<void> {
  const params = "x".repeat(ANSWER_CHARACTERS);
  await repeat(abuser, 20, (key) => ({
    type: "call",
    method: "echo",
    params,
    idempotencyKey: key.slice(0, 40),
  }));
}

/** Publishes with ever new idempotency keys, as long as they may be. */
export async function publishes(abuser: Abuser): Promise<void> {
  await repeat(abuser, 100, (key, at) => ({
    type: "publish",
    topic: `rooms/keys-${at}`,
    data: 0,
    idempotencyKey: key,
  }));
}

/** As many calls as may wait for their answers, on every connection, with costly params. */
export async function pendingCalls(abuser: Abuser): Promise<void> {
  const params = emptyArrays(PARAMS_BYTES);
  await abuser.crowd(100, async () => {
    const client = await WebSocketClient.open(abuser);
    for (let id = 1; id <= PENDING && !abuser.isOver; id += 1) {
      await client.send(`{"type":"call","id":${id},"method":"slow","params":${params}}`);
    }
    await abuser.hold(client.socket);
  });
}

async function repeat(
  abuser: Abuser,
  clients: number,
  request: (key: string, at: number) => object,
): Promise<void> {
  let next = 0;
  await abuser.crowd(clients, async (at) => {
    const client = await WebSocketClient.open(abuser);
    while (!abuser.isOver) {
      const requests = Array.from({ length: IN_FLIGHT }, () =>
        request(String(next++).padEnd(255, "k"), at),
      );
      await client.askAll(requests);
    }
    client.socket.destroy();
  });
}
