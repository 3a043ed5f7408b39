import type { Abuser } from "../abuser.ts";
import { longText, MEGABYTE } from "../filler.ts";
import { HttpClient, postRequest, requestHead } from "../http.ts";
import { WebSocketClient } from "../web-socket.ts";

const BETWEEN_EVENTS_MS = 100;

/** Server-sent event streams that nobody reads, while long events are published. */
export async function eventStreams(abuser: Abuser): Promise<void> {
  const followed = abuser.crowd(99, async () => {
    const socket = await abuser.connect();
    socket.pause();
    socket.write(requestHead(abuser, "GET /live/events", { Accept: "text/event-stream" }));
    await abuser.hold(socket);
  });
  await Promise.all([followed, publishLongEvents(abuser)]);
}

/** Level 1 subscribers that read nothing, while long events are published. */
export async function subscribers(abuser: Abuser): Promise<void> {
  const followed = abuser.crowd(99, async () => {
    const client = await WebSocketClient.open(abuser, { reads: false });
    await client.send('{"type":"subscribe","id":1,"topic":"events"}');
    await abuser.hold(client.socket);
  });
  await Promise.all([followed, publishLongEvents(abuser)]);
}

async function publishLongEvents(abuser: Abuser): Promise<void> {
  const request = postRequest(abuser, "events", `{"data":${longText(MEGABYTE)}}`);
  await abuser.crowd(1, async () => {
    const client = await HttpClient.open(abuser);
    try {
      while (!abuser.isOver) {
        await client.ask(request);
        await abuser.pause(BETWEEN_EVENTS_MS);
      }
    } finally {
      client.socket.destroy();
    }
  });
}
