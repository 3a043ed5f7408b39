import { WebSocket } from "../../../src/client/index.ts";
import type { Endpoint } from "../../../src/server/index.ts";
import { echo, runServer, Witness } from "../../rigs/sockets/run-server.ts";
import { HeldServer, type HeldHandshake } from "../../rigs/sockets/held-server.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

/** Opens a socket to an echo server. */
export async function openEcho(): Promise<WebSocket> {
  return openTo(echo);
}

/** Opens a socket whose server records everything it receives. */
export async function openWitnessed(): Promise<{ socket: WebSocket; witness: Witness }> {
  const witness = new Witness();
  return { socket: await openTo(witness), witness };
}

async function openTo(endpoint: Endpoint): Promise<WebSocket> {
  const { url } = await runServer(endpoint);
  const socket = new WebSocket(url);
  await next(socket, "open");
  return socket;
}

/** Opens a socket whose server is the test: `peer.socket` writes arbitrary bytes. */
export async function openHeld(): Promise<{ socket: WebSocket; peer: HeldHandshake }> {
  const server = await HeldServer.start();
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
  const peer = await server.next();
  peer.accept();
  await next(socket, "open");
  return { socket, peer };
}

/** Returns a socket that is still connecting, and its server's end. */
export async function connecting(): Promise<{ socket: WebSocket; peer: HeldHandshake }> {
  const server = await HeldServer.start();
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}`);
  return { socket, peer: await server.next() };
}

/** Returns the error that a call throws. */
export function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  throw new Error("It did not throw.");
}
