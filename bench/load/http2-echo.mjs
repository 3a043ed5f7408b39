import { connect } from "node:http2";
import { echoFrame } from "./echo.mjs";
import { FrameReader } from "./frame-reader.mjs";
import { FrameSkipper } from "./frame-skipper.mjs";
import { Timed } from "./window.mjs";

/**
 * As `echo`, over extended CONNECT. (RFC 8441)
 *
 * @param {object} options
 * @param {number} options.connections HTTP/2 connections
 * @param {number} options.streams WebSockets in each
 */
export async function http2Echo({ target, payload, connections, streams, window }, pid) {
  let failed;
  const failure = new Promise((_, reject) => {
    failed = reject;
  });
  failure.catch(() => {});
  const message = echoFrame(payload, {});
  const sessions = Array.from({ length: connections }, () => openSession(target, failed));
  const opened = sessions.flatMap((session) =>
    Array.from({ length: streams }, () => openStream(session, message, failed)),
  );
  const verified = await Promise.race([Promise.all(opened), failure]);
  const timed = new Timed(pid, failure);
  for (const stream of verified) keepGoing(stream, message.bytes, timed);
  return { figures: await timed.measure(window) };
}

function openSession({ port }, failed) {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  return session.on("error", failed).on("close", () => failed(new Error("a session was closed")));
}

/** Opens a WebSocket and reads the first echo. */
async function openStream(session, { bytes, payload }, failed) {
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  const stream = session.request(
    {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "https",
      ":path": "/",
      ":authority": "127.0.0.1",
      "sec-websocket-version": "13",
    },
    { endStream: false },
  );
  stream.on("error", failed).on("close", () => failed(new Error("a stream was closed")));
  const [headers] = await new Promise((resolve) => {
    stream.once("response", (...args) => resolve(args));
  });
  if (headers[":status"] !== 200) throw new Error(`the handshake got ${headers[":status"]}`);
  const reader = new FrameReader();
  stream.write(bytes);
  const content = await new Promise((resolve) => {
    stream.on("data", function onData(data) {
      const [found] = reader.read(data);
      if (found === undefined) return;
      stream.off("data", onData);
      resolve(found.payload);
    });
  });
  if (!content.equals(payload)) throw new Error(`a wrong echo: ${content.length} bytes`);
  return stream;
}

function keepGoing(stream, bytes, timed) {
  const skipper = new FrameSkipper(() => {});
  stream.on("data", (data) => {
    const messages = skipper.skip(data, data.length);
    timed.messages += messages;
    if (messages > 0) stream.write(bytes);
  });
  stream.write(bytes);
}
