import { describe, expect, test } from "vitest";
import { openWebSocket } from "../../../src/client/index.ts";
import { headersNamed, HeldServer } from "../../rigs/sockets/held-server.ts";

/** Returns the values that the server receives for `headers`. */
async function seen(headers: unknown, name: string): Promise<string[]> {
  const server = await HeldServer.start();
  const socket = openWebSocket(`ws://127.0.0.1:${server.port}`, {
    headers: headers as Record<string, string>,
  });
  const { request } = await server.next();
  socket.close();
  return headersNamed(request, name);
}

describe("a client's headers may be", () => {
  test.each<[string, unknown]>([
    ["an object", { "X-A": "1" }],
    ["Headers", new Headers({ "X-A": "1" })],
    ["a Map", new Map([["X-A", "1"]])],
    ["pairs", [["X-A", "1"]]],
  ])("%s", async (_, headers) => {
    expect(await seen(headers, "X-A")).toEqual(["1"]);
  });

  test("lists, which become several headers, or for Cookie a single one (RFC 6265 §5.4)", async () => {
    expect(await seen({ "X-A": ["1", "2"] }, "X-A")).toEqual(["1", "2"]);
    expect(await seen({ Cookie: ["a=1", "b=2"] }, "Cookie")).toEqual(["a=1; b=2"]);
  });
});

test.each<[string, unknown]>([
  ["text", "Authorization: x"],
  ["null", null],
  ["a list that is not of pairs", ["Authorization: x"]],
  ["a value that is an object", { Authorization: { scheme: "Bearer" } }],
  ["a missing value", { Authorization: undefined }],
  ["a value with a line break", { "X-A": ["1", "2\r\nX-B: 3"] }],
  ["a header that the handshake sets itself", new Headers({ Host: "a" })],
])("%s is rejected, and the error shows the right form", (_, headers) => {
  const message = expect.stringMatching(/^[^\n]*; (use|leave) [^\n]*\.$/) as string;
  expect(() =>
    openWebSocket("ws://127.0.0.1:1", { headers: headers as Record<string, string> }),
  ).toThrow(expect.objectContaining({ code: "invalid_header", message }));
});
