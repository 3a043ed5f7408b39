import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { frame, masked, TEXT } from "./frames.mjs";
import { payloadOf } from "./payloads.mjs";
import { Timed } from "./window.mjs";

let timed;
let failed;
const failure = new Promise((_, reject) => {
  failed = reject;
});
failure.catch(() => {});

/**
 * A server that costs as little as it can, for clients whose cost is measured: it knows how long
 * their messages are, and answers every `batch` of them at once.
 */
export function listenNeutral({ payload: choice, batch }) {
  const payload = payloadOf(choice);
  const reply = frame(TEXT, payload, { isMasked: false });
  const block = Buffer.concat(Array.from({ length: batch }, () => reply));
  const size = reply.length + 4;
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", failed).on("close", () => failed(new Error("the client closed")));
    socket.once("data", (request) => {
      socket.write(accept(request.toString("latin1")));
      socket.once("data", (data) => {
        if (!verify(data, payload, size)) return failed(new Error("a wrong message came"));
        answer(socket, { size, batch, block, head: data });
      });
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", 511, () => resolve({ port: server.address().port }));
  });
}

/** Times the clients, which have begun. */
export async function measureNeutral({ window }, pid) {
  timed = new Timed(pid, failure);
  return { figures: await timed.measure(window) };
}

function answer(socket, { size, batch, block, head }) {
  let bytes = 0;
  const take = (data) => {
    bytes += data.length;
    const batches = Math.floor(bytes / (size * batch));
    if (batches === 0) return;
    bytes -= batches * size * batch;
    if (timed !== undefined) timed.messages += batches * batch;
    for (let left = batches; left > 0; left -= 1) socket.write(block);
  };
  socket.on("data", take);
  take(head);
}

function verify(data, payload, size) {
  if (data.length < size || data[0] !== 0x81) return false;
  const key = data.subarray(size - payload.length - 4, size - payload.length);
  return masked(data.subarray(size - payload.length, size), key).equals(payload);
}

function accept(request) {
  const key = /sec-websocket-key: *(\S+)/i.exec(request)?.[1];
  const digest = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${digest.digest("base64")}\r\n\r\n`,
  ].join("\r\n");
}
