import { constants, deflateRawSync } from "node:zlib";
import { write, type Abuser } from "../abuser.ts";
import { CONTINUATION, frame, TEXT, WebSocketClient, type Opening } from "../web-socket.ts";

const MIB = 1024 * 1024;
const ONE_BYTE = Buffer.from("x");
const FRAGMENT = Buffer.alloc(64 * 1024, "x");

/** A message that is announced and never ends, which drips on every connection. */
export function oneFrame(
  announced: number,
  opening: Opening = {},
): (abuser: Abuser) => Promise<void> {
  const start = frame(TEXT, Buffer.alloc(announced - 1_000, "x"), { announced });
  return (abuser) =>
    abuser.crowd(100, async () => {
      const { socket } = await WebSocketClient.open(abuser, opening);
      await write(socket, start);
      await abuser.hold(socket, ONE_BYTE);
    });
}

export const large = oneFrame(Math.floor(15.9 * MIB));
export const belowTheLimit = oneFrame(MIB - 1);

/** The same in fragments, of which the last one never comes. */
export function fragments(abuser: Abuser): Promise<void> {
  return abuser.crowd(100, async () => {
    const { socket } = await WebSocketClient.open(abuser);
    await write(socket, frame(TEXT, FRAGMENT, { isFinal: false }));
    const more = frame(CONTINUATION, FRAGMENT, { isFinal: false });
    for (let sent = FRAGMENT.length; sent < 15.8 * MIB; sent += FRAGMENT.length) {
      await write(socket, more);
    }
    await abuser.hold(socket, frame(CONTINUATION, ONE_BYTE, { isFinal: false }));
  });
}

/** The same compressed: a few KiB sent for MiB that are held. */
export function compressed(abuser: Abuser): Promise<void> {
  const flush = { finishFlush: constants.Z_SYNC_FLUSH };
  const payload = deflateRawSync(Buffer.alloc(Math.floor(15.8 * MIB), "x"), flush);
  const start = frame(TEXT, payload, { isFinal: false, isCompressed: true });
  const more = frame(CONTINUATION, deflateRawSync(ONE_BYTE, flush), { isFinal: false });
  return abuser.crowd(100, async () => {
    const { socket } = await WebSocketClient.open(abuser, { compresses: true });
    await write(socket, start);
    await abuser.hold(socket, more);
  });
}
