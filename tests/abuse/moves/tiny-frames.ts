import { write, type Abuser } from "../abuser.ts";
import { CONTINUATION, frame, PING, TEXT, WebSocketClient } from "../web-socket.ts";

const ONE_BYTE = Buffer.from("x");
const FRAGMENTS = 131_000;
const PINGS = 10_000;

/** Pings as long as they may be, whose pongs nobody reads. */
export async function unreadPings(abuser: Abuser): Promise<void> {
  const pings = repeated(frame(PING, Buffer.alloc(125, "p")), 1_000);
  await abuser.crowd(100, async () => {
    const { socket } = await WebSocketClient.open(abuser, { reads: false });
    while (!abuser.isOver) {
      await write(socket, pings);
    }
    socket.destroy();
  });
}

/** Ten thousand pings in one write, over and over. Their pongs are read, and dropped unseen. */
export async function pingsInASegment(abuser: Abuser): Promise<void> {
  const pings = repeated(frame(PING, ONE_BYTE), PINGS);
  await abuser.crowd(100, async () => {
    const { socket } = await WebSocketClient.open(abuser, { reads: false });
    socket.resume();
    while (!abuser.isOver) {
      await write(socket, pings);
      await abuser.pause(100);
    }
    socket.destroy();
  });
}

/** A message of very many fragments of one byte, which never ends. */
export async function fragments(abuser: Abuser): Promise<void> {
  const first = frame(TEXT, ONE_BYTE, { isFinal: false });
  const more = repeated(frame(CONTINUATION, ONE_BYTE, { isFinal: false }), 1_000);
  await abuser.crowd(100, async () => {
    const { socket } = await WebSocketClient.open(abuser);
    await write(socket, first);
    for (let sent = 0; sent < FRAGMENTS && !abuser.isOver; sent += 1_000) {
      await write(socket, more);
    }
    await abuser.hold(socket, frame(CONTINUATION, ONE_BYTE, { isFinal: false }));
  });
}

function repeated(bytes: Buffer, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => bytes));
}
