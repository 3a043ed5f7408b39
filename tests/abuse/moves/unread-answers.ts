import type { Abuser } from "../abuser.ts";
import { longText, MEGABYTE } from "../filler.ts";
import { requestHead } from "../http.ts";
import { WebSocketClient } from "../web-socket.ts";
import { publishAll } from "./publish-large.ts";

const PIPELINED = 300;

/** One connection asks 300 times for all of a log, in one segment, and reads nothing. */
export async function pipelined(abuser: Abuser): Promise<void> {
  await fillTheLog(abuser);
  await abuser.crowd(1, async () => {
    const socket = await abuser.connect();
    socket.pause();
    socket.write(requestHead(abuser, "GET /live/events").repeat(PIPELINED));
    await abuser.hold(socket);
  });
}

/** As many connections as there may be ask once each, and read nothing. */
export async function held(abuser: Abuser): Promise<void> {
  await fillTheLog(abuser);
  await abuser.crowd(100, async () => {
    const socket = await abuser.connect();
    socket.pause();
    socket.write(requestHead(abuser, "GET /live/events"));
    await abuser.hold(socket);
  });
}

/** Asks over and over, and goes when the answer has begun. */
export async function abandoned(abuser: Abuser): Promise<void> {
  await fillTheLog(abuser);
  await abuser.crowd(100, async () => {
    const socket = await abuser.connect();
    socket.write(requestHead(abuser, "GET /live/events"));
    await new Promise((resolve) => {
      socket.once("data", resolve);
      socket.once("close", resolve);
    });
    socket.destroy();
  });
}

/** Asks for a page of history again and again, and reads nothing. */
export async function history(abuser: Abuser): Promise<void> {
  await fillTheLog(abuser);
  await abuser.crowd(100, async () => {
    const client = await WebSocketClient.open(abuser, { reads: false });
    for (let id = 1; id <= PIPELINED && !abuser.isOver; id += 1) {
      await client.send(JSON.stringify({ type: "history", id, topic: "events" }));
    }
    await abuser.hold(client.socket);
  });
}

/** The same over plain HTTP, in one segment. */
export async function pages(abuser: Abuser): Promise<void> {
  await fillTheLog(abuser);
  await abuser.crowd(100, async () => {
    const socket = await abuser.connect();
    socket.pause();
    socket.write(requestHead(abuser, "GET /live/events?before=16").repeat(50));
    await abuser.hold(socket);
  });
}

async function fillTheLog(abuser: Abuser): Promise<void> {
  const body = `{"data":${longText(MEGABYTE)}}`;
  await publishAll(
    abuser,
    "events",
    Array.from({ length: 16 }, () => body),
  );
}
