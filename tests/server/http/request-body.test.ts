import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { WebSocketServer, type Endpoint } from "../../../src/server/index.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import { runServer } from "../../rigs/sockets/run-server.ts";

/** Answers with the length of the body, or with the reason for rejecting it. */
const measuring: Endpoint = {
  origins: "any",
  async onRequest(exchange) {
    try {
      exchange.answer(200, {}, String((await exchange.body(1_000)).length));
    } catch (error) {
      exchange.answer(413, {}, (error as { code: string }).code);
    }
  },
};

const post = (fields: string): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n\r\n`;
const chunk = `200\r\n${"x".repeat(512)}\r\n`;

describe("a body that is too large (RFC 9112 §9.6)", () => {
  test.each([
    ["says its length", "Content-Length: 3000", "x".repeat(3_000)],
    ["comes in chunks", "Transfer-Encoding: chunked", `${chunk.repeat(6)}0\r\n\r\n`],
  ])(
    "and %s is answered with 413 and Connection: close, and the connection ends",
    async (_, fields, body) => {
      const { port } = await runServer(measuring);
      const client = await RawClient.open(port);
      client.write(post(fields) + body);
      const answer = await client.all();
      expect(answer).toMatch(/^HTTP\/1\.1 413 /);
      expect(answer).toMatch(/\r\nConnection: close\r\n/i);
      expect(answer.match(/^Connection:/gim)).toHaveLength(1);
      expect(answer.endsWith("too_large")).toBe(true);
    },
  );

  test("is answered before the client has sent all of it", async () => {
    const { port } = await runServer(measuring);
    const client = await RawClient.open(port);
    client.write(post("Transfer-Encoding: chunked") + chunk.repeat(3));
    expect(await client.head()).toMatch(/^HTTP\/1\.1 413 /);
    expect(client.hasEnded).toBe(false);
    client.write(`${chunk}0\r\n\r\n`);
    expect(await client.all()).toMatch(/too_large$/);
  });

  test("is different from one that fits, which leaves the connection open", async () => {
    const { port } = await runServer(measuring);
    const client = await RawClient.open(port);
    client.write(post("Content-Length: 3") + "abc");
    expect(await client.head()).toMatch(/\r\nConnection: keep-alive/i);
    client.write(`${post("Content-Length: 2\r\nConnection: close")}ab`);
    expect((await client.all()).match(/HTTP\/1\.1 200 /g)).toHaveLength(2);
  });
});

test("a body that a body parser has already read is reported as such", async () => {
  const sockets = new WebSocketServer(measuring);
  const http = createServer((request, response) => {
    request.resume().on("end", () => sockets.handleRequest(request, response));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void http.close());
  const { port } = http.address() as AddressInfo;
  const client = await RawClient.open(port);
  client.write(`${post("Content-Length: 3\r\nConnection: close")}abc`);
  expect(await client.all()).toMatch(/body_consumed$/);
  const empty = await RawClient.open(port);
  empty.write(post("Connection: close"));
  expect(await empty.all()).toMatch(/\r\n\r\n0$/);
});
