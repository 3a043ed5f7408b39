import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";
import { ClientSettings } from "../../../src/client/connection/client-settings.ts";
import { openOptions } from "../../../src/client/connection/open-options.ts";
import { openClientConnection } from "../../../src/node/index.ts";
import { HeldServer } from "../../rigs/sockets/held-server.ts";

/** Returns the next socket that this process connects with. */
function nextSocket(): Promise<Socket> {
  return new Promise((resolve) => {
    const onSocket = (message: unknown): void => resolve((message as { socket: Socket }).socket);
    subscribe("net.client.socket", onSocket);
    onTestFinished(() => void unsubscribe("net.client.socket", onSocket));
  });
}

function optionsFor(server: HeldServer): ReturnType<typeof openOptions> {
  return openOptions(new URL(`ws://127.0.0.1:${server.port}`), [], new ClientSettings());
}

test("an attempt that is abandoned in the turn of its response does not notify its handler", async () => {
  const server = await HeldServer.start();
  const connecting = nextSocket();
  const handler = { onOpened: vi.fn(), onFailed: vi.fn() };
  const attempt = openClientConnection(optionsFor(server), handler);
  const socket = await connecting;
  // The stream is paused when the response is complete, before the handler is called.
  socket.once("pause", () => attempt.abandon());
  const closed = new Promise((resolve) => socket.once("close", resolve));
  (await server.next()).accept();
  await closed;
  expect(handler.onOpened).not.toHaveBeenCalled();
  expect(handler.onFailed).not.toHaveBeenCalled();
});

test("an open stream that fails before its owner listens does not end the process", async () => {
  const server = await HeldServer.start();
  const opened = new Promise<Duplex>((resolve, reject) => {
    openClientConnection(optionsFor(server), { onOpened: resolve, onFailed: reject });
  });
  (await server.next()).accept();
  const stream = await opened;
  const closed = new Promise((resolve) => stream.once("close", resolve));
  stream.destroy(new Error("reset"));
  await closed;
});
