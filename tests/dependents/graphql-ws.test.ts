import { createServer } from "node:http";
import { describe, expect, onTestFinished, test } from "vitest";
import { listening, load, type Untyped } from "./dependents.ts";

const { buildSchema } = load("graphql");
const { useServer } = load("graphql-ws/use/ws");
const { createClient } = load("graphql-ws");
const WebSocket = load("ws");

const schema = buildSchema(
  "type Query { hello: String } type Subscription { count(to: Int!): Int }",
);
const roots = {
  query: { hello: () => "wörld" },
  subscription: {
    async *count({ to }: { to: number }) {
      for (let n = 1; n <= to; n += 1) yield { count: n };
    },
  },
};

async function open(options: object = {}): Promise<Untyped> {
  const http = createServer();
  const server = new WebSocket.WebSocketServer({ server: http, path: "/graphql" });
  const handler = useServer({ schema, roots, ...options }, server);
  const port = await listening(http);
  onTestFinished(() => handler.dispose());
  const client = createClient({
    url: `ws://127.0.0.1:${port}/graphql`,
    webSocketImpl: WebSocket,
    retryAttempts: 0,
    connectionParams: { token: "t" },
  });
  onTestFinished(() => client.dispose());
  return client;
}

describe("graphql-ws", () => {
  test("a query has one result", async () => {
    const client = await open();
    const results: unknown[] = [];
    for await (const result of client.iterate({ query: "{ hello }" })) results.push(result);
    expect(results).toEqual([{ data: { hello: "wörld" } }]);
  });

  test("a subscription receives all its events in order", async () => {
    const client = await open();
    const counted: number[] = [];
    for await (const { data } of client.iterate({ query: "subscription { count(to: 200) }" })) {
      counted.push(data.count);
    }
    expect(counted).toEqual(Array.from({ length: 200 }, (_, n) => n + 1));
  });

  test("a refused client is closed with 4403", async () => {
    const client = await open({ onConnect: () => false });
    const iterate = async (): Promise<void> => {
      for await (const _ of client.iterate({ query: "{ hello }" }));
    };
    await expect(iterate()).rejects.toMatchObject({ code: 4403, reason: "Forbidden" });
  });
});
