import { once } from "node:events";
import { connect, constants } from "node:http2";
import type { Abuser } from "../abuser.ts";
import { requestHead } from "../http.ts";
import type { World } from "../row.ts";
import { WebSocketClient } from "../web-socket.ts";

const HANDSHAKES_IN_A_TURN = 10;
const RESETS_IN_A_TURN = 20;
const SESSIONS = 10;
/** The abuser's, of which it has nothing open any more. */
const ABUSERS_ADDRESS = "127.0.0.1";

/** Connections that are opened and cut, most of them behind a handshake. */
export async function connections(abuser: Abuser): Promise<void> {
  await abuser.crowd(100, async (at) => {
    if (at % 2 === 0) {
      (await abuser.connect()).destroy();
      return;
    }
    for (let count = 0; count < HANDSHAKES_IN_A_TURN; count += 1) {
      const client = await WebSocketClient.open(abuser);
      client.send('{"type":"subscribe","id":1,"topic":"events"}').catch(() => {});
      const closed = once(client.socket, "close");
      client.socket.resetAndDestroy();
      await closed;
    }
  });
}

/** Heads that never end, of which a byte drips now and then. */
export async function halfHandshakes(abuser: Abuser): Promise<void> {
  const half = requestHead(abuser, "GET /live", { Upgrade: "websocket" }).slice(0, -2);
  await abuser.crowd(100, async () => {
    const socket = await abuser.connect();
    socket.resume();
    socket.write(`${half}X-Long: ${"x".repeat(12_000)}`);
    await abuser.hold(socket, "x");
  });
}

/** HTTP/2 streams that are opened and reset in the same moment. */
export async function http2Resets(abuser: Abuser): Promise<void> {
  await abuser.crowd(SESSIONS, async () => {
    const socket = await abuser.connect({ protocol: "h2" });
    const { host, port } = abuser.target;
    const session = connect(`https://${host}:${port}`, { createConnection: () => socket });
    session.on("error", () => {});
    while (!abuser.isOver && !session.destroyed) {
      for (let at = 0; at < RESETS_IN_A_TURN; at += 1) {
        const stream = session.request({ ":path": "/live/events" });
        stream.on("error", () => {});
        stream.close(constants.NGHTTP2_CANCEL);
      }
      await abuser.pause(50);
    }
    socket.destroy();
  });
}

/** Ended work is no longer charged: the abuser's address has its whole share again. */
export async function allIsGivenBack({ bystander }: World): Promise<string | undefined> {
  const { status } = await bystander.get("/live/events", { localAddress: ABUSERS_ADDRESS });
  return status === 200
    ? undefined
    : `a GET from the abuser's address got ${status} after all that it had was over`;
}
