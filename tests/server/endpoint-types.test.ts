import { expect, expectTypeOf, onTestFinished, test } from "vitest";
import { WebSocketServer, type Peer } from "../../src/server/index.ts";

test("peer.data has the type that authorize returns, without an annotation", () => {
  const server = new WebSocketServer({
    authorize: (request) => ({ user: request.query.get("user") ?? "nobody" }),
    onMessage: (peer, message) => {
      expectTypeOf(peer.data.user).toEqualTypeOf<string>();
      expectTypeOf(message).toEqualTypeOf<string | Uint8Array>();
      // What an arrow function returns, such as the boolean of `send`, is nobody's concern.
      return peer.send(`${peer.data.user}: ${message.length}`);
    },
  });
  onTestFinished(() => server.close());
  expectTypeOf(server.peers).toEqualTypeOf<ReadonlySet<Peer<{ user: string }>>>();
  expect([...server.peers]).toEqual([]);
});

test("endpoints with data of different types go into one server", () => {
  const server = new WebSocketServer([
    { path: "/a", authorize: () => 1, onOpen: (peer) => peer.send("a") },
    { path: "/b", authorize: () => "b", onOpen: (peer) => peer.send("b") },
  ]);
  onTestFinished(() => server.close());
  expect([...server.peers]).toEqual([]);
});
