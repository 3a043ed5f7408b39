import type { Abuser } from "../abuser.ts";
import { longText, MEGABYTE } from "../filler.ts";
import { requestHead } from "../http.ts";
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

async function fillTheLog(abuser: Abuser): Promise<void> {
  const body = `{"data":${longText(MEGABYTE)}}`;
  await publishAll(
    abuser,
    "events",
    Array.from({ length: 16 }, () => body),
  );
}
