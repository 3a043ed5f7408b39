import { expect, onTestFinished, test } from "vitest";
import { openWebSocket } from "../../../src/client/index.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";
import { failureOf } from "./failure-of.ts";
import { HeldServer } from "../../rigs/sockets/held-server.ts";
import { next } from "../../rigs/sockets/watch-socket.ts";

test("the reason of the signal is the cause of the error", async () => {
  const server = await HeldServer.start();
  const controller = new AbortController();
  const { signal } = controller;
  const socket = openWebSocket(`ws://127.0.0.1:${server.port}`, { signal });
  const failure = failureOf(socket);
  const reason = new Error("the page was left");
  controller.abort(reason);
  expect(await failure).toMatchObject({ code: "aborted", cause: reason });
  const late = openWebSocket(`ws://127.0.0.1:${server.port}`, { signal });
  expect(await failureOf(late)).toMatchObject({ code: "aborted", cause: reason });
});

test("many sockets can use one signal without a warning, and aborting closes them all", async () => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on("warning", note);
  onTestFinished(() => void process.off("warning", note));
  const { url } = await runServer(echo);
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners += 1;
    add(...given);
  };
  const sockets = Array.from({ length: 30 }, () => openWebSocket(url, { signal }));
  await Promise.all(sockets.map((socket) => next(socket, "open")));
  expect(listeners).toBeLessThanOrEqual(2);
  const closed = Promise.all(sockets.map((socket) => next(socket, "close")));
  controller.abort();
  for (const event of await closed) expect(event).toMatchObject({ wasClean: true });
  expect(warnings).toEqual([]);
});
