import { describe, expect, test } from "vitest";
import {
  checkAcceptance,
  checkUpgrade,
  formatOpening,
  HandshakeError,
} from "../../../src/protocol/index.ts";
import type { Agreement, ResponseHead } from "../../../src/protocol/index.ts";
import { fields, RFC_ACCEPT, RFC_KEY, sha1, type Fields } from "./opening-request.ts";

const FIELDS: Fields = [
  ["Upgrade", "websocket"],
  ["Connection", "Upgrade"],
  ["Sec-WebSocket-Accept", RFC_ACCEPT],
];

function check(
  changed: Record<string, string | string[]>,
  protocols: string[] = [],
  head: Partial<ResponseHead> = {},
): Agreement | HandshakeError {
  const headers = fields(FIELDS, changed);
  const answer = { httpVersion: "1.1", status: 101, statusText: "", headers, ...head };
  return checkAcceptance(answer, { key: RFC_KEY, sha1, protocols });
}

describe("the opening request (RFC 6455 §4.1)", () => {
  test("has the headers that the RFC requires, in order (RFC 6455 §4.1)", () => {
    expect(
      formatOpening({ target: "/chat?x=1", host: "example.com:81", key: RFC_KEY, protocols: [] }),
    ).toBe(
      "GET /chat?x=1 HTTP/1.1\r\nHost: example.com:81\r\nUpgrade: websocket\r\n" +
        `Connection: Upgrade\r\nSec-WebSocket-Key: ${RFC_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
  });

  test("has subprotocols, extensions and additional headers, if there are any", () => {
    const headers: Fields = [
      ["Origin", "http://a"],
      ["Cookie", "b=c"],
    ];
    const opening = formatOpening({
      target: "/",
      host: "h",
      key: RFC_KEY,
      protocols: ["a", "b"],
      extensions: "x; y",
      headers,
    });
    expect(opening.split("\r\n").slice(6)).toEqual([
      "Sec-WebSocket-Protocol: a, b",
      "Sec-WebSocket-Extensions: x; y",
      "Origin: http://a",
      "Cookie: b=c",
      "",
      "",
    ]);
  });

  test("is accepted by the server's side (RFC 6455 §4.2.1)", () => {
    const opening = formatOpening({ target: "/", host: "h", key: RFC_KEY, protocols: ["a", "b"] });
    const [start, ...lines] = opening.slice(0, -4).split("\r\n");
    expect(start).toBe("GET / HTTP/1.1");
    const headers = lines.map((line) => line.split(": ") as [string, string]);
    expect(checkUpgrade({ method: "GET", httpVersion: "1.1", headers })).toMatchObject({
      kind: "opening",
      key: RFC_KEY,
      opening: { protocols: ["a", "b"] },
    });
  });
});

describe("a response that is accepted (RFC 6455 §4.1)", () => {
  test("the RFC's example (RFC 6455 §1.3)", () => {
    expect(check({})).toEqual({ protocol: "", extensions: "" });
  });

  test("Upgrade and Connection in any case, Connection as a list (RFC 6455 §4.1)", () => {
    const changed = { Upgrade: "WebSocket", Connection: ["keep-alive", "x, uPgRaDe"] };
    expect(check(changed)).toEqual({ protocol: "", extensions: "" });
  });

  test("the empty elements of a list are ignored (RFC 9110 §5.6.1.2)", () => {
    const changed = {
      Upgrade: [",", ", websocket,"],
      Connection: [", ,Upgrade,,"],
      "Sec-WebSocket-Extensions": ", ,",
    };
    expect(check(changed)).toMatchObject({ protocol: "", deflate: undefined });
  });

  test("with one of the requested subprotocols (RFC 6455 §4.1)", () => {
    expect(check({ "Sec-WebSocket-Protocol": " b " }, ["a", "b"])).toEqual({
      protocol: "b",
      extensions: "",
    });
  });
});

describe("a response that is rejected (RFC 6455 §4.1)", () => {
  type Case = [string, Record<string, string | string[]>, string[]?];
  const accept = (value: string | string[]): Case[1] => ({ "Sec-WebSocket-Accept": value });
  const protocol = (value: string | string[]): Case[1] => ({ "Sec-WebSocket-Protocol": value });
  const extensions = (value: string | string[]): Case[1] => ({ "Sec-WebSocket-Extensions": value });

  test.each<Case>([
    ["no Upgrade (step 2)", { Upgrade: [] }],
    ["another Upgrade (step 2)", { Upgrade: "h2c" }],
    ["several Upgrades (step 2)", { Upgrade: "websocket, h2c" }],
    ["two lines of Upgrade (step 2)", { Upgrade: ["websocket", "websocket"] }],
    ["no Connection (step 3)", { Connection: [] }],
    ["another Connection (step 3)", { Connection: "close" }],
    ["no Accept (step 4)", accept([])],
    ["an empty Accept (step 4)", accept("")],
    ["another key's Accept (step 4)", accept("AAAAAAAAAAAAAAAAAAAAAAAAAAA=")],
    ["an Accept in another case (step 4)", accept(RFC_ACCEPT.toLowerCase())],
    ["the key instead of the Accept (step 4)", accept(RFC_KEY)],
    ["an Accept with more behind it (step 4)", accept(`${RFC_ACCEPT}=`)],
    ["two Accepts (step 4)", accept([RFC_ACCEPT, RFC_ACCEPT])],
    ["an extension that was not offered (step 5)", extensions("permessage-deflate")],
    ["an extension after an empty header (step 5)", extensions(["", "x"])],
    ["a subprotocol that was not requested (step 6)", protocol("chat")],
    ["an empty subprotocol (step 6)", protocol("")],
    ["another subprotocol than those requested (step 6)", protocol("c"), ["a", "b"]],
    ["a subprotocol in another case (step 6)", protocol("A"), ["a", "b"]],
    ["two subprotocols (step 6)", protocol("a, b"), ["a", "b"]],
    ["two headers of subprotocols (step 6)", protocol(["a", "a"]), ["a", "b"]],
    ["a subprotocol of prototypes (step 6)", protocol("constructor"), ["a"]],
    ["no subprotocol although some were requested (WHATWG WebSockets)", {}, ["a"]],
  ])("%s", (_, changed, protocols) => {
    const error = check(changed, protocols);
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error).toMatchObject({ code: "bad_response", status: undefined });
    expect((error as HandshakeError).message).toMatch(/^[^\r\n]+\.$/);
  });

  test.each(["1.0", "2.0", "0.9"])("HTTP/%s with 101 (RFC 9110 §7.8)", (httpVersion) => {
    expect(check({}, [], { httpVersion })).toMatchObject({ code: "bad_response" });
  });

  test.each([100, 102, 200, 204, 301, 302, 401, 403, 404, 426, 500, 503])(
    "status %i, which the error contains (RFC 6455 §4.1 step 1)",
    (status) => {
      const error = check({}, [], { status, statusText: "Because" });
      expect(error).toMatchObject({ code: "handshake_refused", status });
      expect((error as HandshakeError).message).toContain(`${status} Because`);
    },
  );

  test("a status with HTTP/1.0 is reported as a refusal (RFC 6455 §4.1)", () => {
    const head = { httpVersion: "1.0", status: 502, statusText: "" };
    expect(check({}, [], head)).toMatchObject({ code: "handshake_refused", status: 502 });
  });

  test("the server's text is shortened and cannot control a terminal", () => {
    const statusText = `\x1b[2J${"x".repeat(10_000)}`;
    const { message } = check({}, [], { status: 500, statusText }) as HandshakeError;
    expect(message).not.toContain("\x1b");
    expect(message.length).toBeLessThan(500);
  });
});
