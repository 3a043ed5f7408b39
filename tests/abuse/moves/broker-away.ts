import type { Abuser } from "../abuser.ts";
import { longText, MEGABYTE } from "../filler.ts";
import type { World } from "../row.ts";
import { WebSocketClient } from "../web-socket.ts";

/** How long a broker's client may take to connect again. */
const BACK_WITHIN_MS = 30_000;
const BETWEEN_ATTEMPTS_MS = 500;
const TOO_MANY_TO_BE_TAKEN = 1_000;

/** Stops the broker's program where it is. */
export async function stopBroker({ target, bystander }: World): Promise<void> {
  bystander.stopPublishing();
  await target.engine?.pause();
}

/** Lets it go on; what others publish must be kept again. */
export async function resumeBroker({ target, bystander }: World): Promise<string | undefined> {
  target.engine?.resume();
  const topic = target.bystanderTopic;
  const givenUpAt = performance.now() + BACK_WITHIN_MS;
  for (;;) {
    const answer = await bystander.ask({ type: "publish", topic, key: "bystander", data: "back" });
    if (answer.type === "published") return undefined;
    if (performance.now() > givenUpAt) {
      const why = answer.code ?? answer.type;
      return `nothing could be published ${BACK_WITHIN_MS / 1_000} s after the broker was back (${why})`;
    }
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_ATTEMPTS_MS));
  }
}

/** Long events that wait for the broker. */
export async function publishMeanwhile(abuser: Abuser): Promise<void> {
  const text = longText(MEGABYTE);
  await abuser.crowd(100, async (at) => {
    const client = await WebSocketClient.open(abuser);
    for (let id = 1; id < TOO_MANY_TO_BE_TAKEN && !abuser.isOver; id += 1) {
      const request = `{"type":"publish","id":${id},"topic":"rooms/away-${at}","data":${text}}`;
      await client.send(request);
    }
    await abuser.hold(client.socket);
  });
}
