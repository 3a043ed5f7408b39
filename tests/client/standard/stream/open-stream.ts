import {
  openWebSocketStream,
  WebSocketStream,
  type WebSocketOpenInfo,
} from "../../../../src/client/index.ts";
import { echo, runServer } from "../../../rigs/sockets/run-server.ts";
import { HeldServer, type HeldHandshake } from "../../../rigs/sockets/held-server.ts";

export interface OpenStream extends WebSocketOpenInfo {
  stream: WebSocketStream;
}

/** Opens a stream to an echo server. */
export async function echoStream(): Promise<OpenStream> {
  const { url } = await runServer(echo);
  const stream = new WebSocketStream(url);
  return { stream, ...(await stream.opened) };
}

/** Opens a stream whose server is the test; messages are not compressed. */
export async function heldStream(
  options: Parameters<typeof openWebSocketStream>[1] = {},
): Promise<OpenStream & { peer: HeldHandshake }> {
  const server = await HeldServer.start();
  const url = `ws://127.0.0.1:${server.port}`;
  const given = { compression: false, closeTimeoutMs: 5_000, ...options };
  const stream = openWebSocketStream(url, given);
  const peer = await server.next();
  peer.accept();
  return { stream, peer, ...(await stream.opened) };
}
