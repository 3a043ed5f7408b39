import { write, type Abuser } from "../abuser.ts";
import { HttpClient, requestHead } from "../http.ts";
import { frame, TEXT, WebSocketClient } from "../web-socket.ts";
import { oneFrame } from "./unfinished-messages.ts";

const MIB = 1024 * 1024;
const WRONG_REQUESTS = 10;

/** Unfinished messages of clients who never say who they are. */
export const messages = oneFrame(Math.floor(15.9 * MIB), { showsToken: false });

/** Long tokens, one behind the other, each of which has to be checked. */
export function longHello(abuser: Abuser): Promise<void> {
  const hello = frame(TEXT, Buffer.from(`{"type":"hello","token":"${"x".repeat(MIB - 100)}"}`));
  return abuser.crowd(100, async () => {
    const { socket } = await WebSocketClient.open(abuser, { showsToken: false });
    while (!abuser.isOver) {
      await write(socket, hello);
    }
    socket.destroy();
  });
}

/** Wrong tokens as fast as they are taken, half of them over HTTP. */
export function wrongTokens(abuser: Abuser): Promise<void> {
  return abuser.crowd(100, async (at) => {
    if (at % 2 === 0) return guessOverWebSocket(abuser, at);
    const client = await HttpClient.open(abuser);
    const headers = { Authorization: `Bearer wrong-${at}` };
    const request = requestHead(abuser, "GET /live/rooms/1", headers, false);
    while (!abuser.isOver) {
      await client.ask(request.repeat(WRONG_REQUESTS), WRONG_REQUESTS);
    }
    client.socket.destroy();
  });
}

async function guessOverWebSocket(abuser: Abuser, at: number): Promise<void> {
  const client = await WebSocketClient.open(abuser, { showsToken: false });
  await client.send(`{"type":"hello","token":"wrong-${at}"}`);
  await new Promise((resolve) => client.socket.once("close", resolve));
}
