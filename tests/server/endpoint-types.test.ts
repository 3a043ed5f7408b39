import { expect, expectTypeOf, onTestFinished, test } from "vitest";
import { WebSocketServer, type Peer } from "../../src/server/index.ts";

test("peer.data has the type that authorize returns, without an annotation", () => {
  const server = new WebSocketServer({
    authorize: (request) => ({ user: request.query.get("user") ?? "nobody" }),
    onMessage: (peer, message) => {
      expectTypeOf(peer.data.user).toEqualTypeOf<string>();
      expectTypeOf(message).toEqualTypeOf<string | Uint8Array>();
      // The return value of an arrow function is ignored, here the boolean of `send`.
      return peer.send(`${peer.data.user}: ${message.length}`);
    },
  });
  onTestFinished(() => server.close());
  expectTypeOf(server.peers).toEqualTypeOf<ReadonlySet<Peer<{ user: string }>>>();
  expect([...server.peers]).toEqual([]);
});

test("one server accepts endpoints with data of different types", () => {
  const server = new WebSocketServer([
    { path: "/a", authorize: () => 1, onOpen: (peer) => peer.send("a") },
    { path: "/b", authorize: () => "b", onOpen: (peer) => peer.send("b") },
  ]);
  onTestFinished(() => server.close());
  expect([...server.peers]).toEqual([]);
});
