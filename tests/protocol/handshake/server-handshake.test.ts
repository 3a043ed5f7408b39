import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkUpgrade, formatAcceptance, upgradeRequired } from "../../../src/protocol/index.ts";
import type { HandshakeRequest, Opening, Refusal } from "../../../src/protocol/index.ts";
import { openingRequest, RFC_ACCEPT, RFC_KEY, sha1 } from "./opening-request.ts";

function refusalOf(request: HandshakeRequest): Refusal | undefined {
  const result = checkUpgrade(request);
  return result.kind === "refusal" ? result.refusal : undefined;
}

function openingOf(request: HandshakeRequest): (Opening & { key: string }) | undefined {
  const result = checkUpgrade(request);
  return result.kind === "opening" ? { ...result.opening, key: result.key } : undefined;
}

describe("an opening request that is accepted (RFC 6455 §4.2.1)", () => {
  test("the RFC's example (RFC 6455 §1.2)", () => {
    const request = openingRequest({
      Origin: "http://example.com",
      "Sec-WebSocket-Protocol": "chat, superchat",
    });
    expect(openingOf(request)).toEqual({
      key: RFC_KEY,
      protocols: ["chat", "superchat"],
      extensions: [],
      origin: "http://example.com",
    });
  });

  test("header names and the tokens of Upgrade and Connection in any case (RFC 6455 §4.2.1)", () => {
    const headers = openingRequest({
      Upgrade: "WebSocket",
      Connection: "keep-alive, UPGRADE",
    }).headers.map(([name, value], index) => [
      index % 2 === 0 ? name.toLowerCase() : name.toUpperCase(),
      value,
    ]) as [string, string][];
    expect(openingOf(openingRequest({}, { headers }))).toMatchObject({ key: RFC_KEY });
  });

  test("tokens spread over several lines, with blanks and empty members (RFC 9110 §5.6.1)", () => {
    const request = openingRequest({
      Upgrade: ["h2c", ", websocket\t,"],
      Connection: [", keep-alive ,", " Upgrade ,"],
      "Sec-WebSocket-Protocol": ["b ,a", "", "\tc"],
    });
    expect(openingOf(request)).toMatchObject({ protocols: ["b", "a", "c"] });
  });

  test("without an Origin, which only browsers must send (RFC 6455 §4.2.1)", () => {
    expect(openingOf(openingRequest())).toHaveProperty("origin", undefined);
    expect(openingOf(openingRequest({ Origin: "null" }))).toHaveProperty("origin", "null");
  });

  test("with a Content-Length of 0, which is equivalent to none (RFC 9110 §8.6)", () => {
    expect(openingOf(openingRequest({ "Content-Length": "0" }))).toBeDefined();
    expect(openingOf(openingRequest({ "Content-Length": ["0", "0"] }))).toBeDefined();
  });

  test("with empty elements among the extensions (RFC 9110 §5.6.1.2)", () => {
    for (const value of [", ,foo,,", ["", ",foo", ","]]) {
      const request = openingRequest({ "Sec-WebSocket-Extensions": value });
      expect(openingOf(request)?.extensions).toEqual([{ name: "foo", parameters: [] }]);
    }
    expect(openingOf(openingRequest({ "Sec-WebSocket-Extensions": ", ," }))?.extensions).toEqual(
      [],
    );
  });

  test("with extensions, parsed over all headers (RFC 6455 §9.1)", () => {
    const request = openingRequest({
      "Sec-WebSocket-Extensions": ["permessage-deflate; client_max_window_bits", "foo; x=1"],
    });
    expect(openingOf(request)?.extensions).toEqual([
      {
        name: "permessage-deflate",
        parameters: [{ name: "client_max_window_bits", value: undefined }],
      },
      { name: "foo", parameters: [{ name: "x", value: "1" }] },
    ]);
  });
});

describe("an opening request that is refused (RFC 6455 §4.2.1, §4.2.2)", () => {
  type Case = [
    rule: string,
    request: HandshakeRequest,
    status: number,
    code: string,
    headers?: [string, string][],
  ];
  const body = "unexpected_body";
  const upgradeHeaders: [string, string][] = [
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
  ];
  const versionHeaders: [string, string][] = [["Sec-WebSocket-Version", "13"], ...upgradeHeaders];
  const keyLess = { "Sec-WebSocket-Key": [] };
  const allow: [string, string][] = [["Allow", "GET"]];
  const cases: Case[] = [
    ["POST (§4.2.1)", openingRequest({}, { method: "POST" }), 405, "bad_method", allow],
    ["HEAD (§4.2.1)", openingRequest({}, { method: "HEAD" }), 405, "bad_method", allow],
    ["a method in lower case", openingRequest({}, { method: "get" }), 405, "bad_method", allow],
    ["HTTP/1.0 (§4.2.1)", openingRequest({}, { httpVersion: "1.0" }), 400, "bad_http_version"],
    ["HTTP/0.9", openingRequest({}, { httpVersion: "0.9" }), 400, "bad_http_version"],
    ["no HTTP version at all", openingRequest({}, { httpVersion: "x" }), 400, "bad_http_version"],
    ["no Host (§4.2.1)", openingRequest({ Host: [] }), 400, "bad_host"],
    ["two Hosts (RFC 9112 §3.2)", openingRequest({ Host: ["a", "b"] }), 400, "bad_host"],
    ["a body's length", openingRequest({ "Content-Length": "5" }), 400, body],
    ["two lengths", openingRequest({ "Content-Length": ["0", "5"] }), 400, body],
    ["two lengths in one line", openingRequest({ "Content-Length": "0, 5" }), 400, body],
    ["a length with a sign", openingRequest({ "Content-Length": "+0" }), 400, body],
    ["a length in hexadecimal", openingRequest({ "Content-Length": "0x0" }), 400, body],
    ["an empty length", openingRequest({ "Content-Length": "" }), 400, body],
    ["a chunked body", openingRequest({ "Transfer-Encoding": "chunked" }), 400, body],
    [
      "an obscured transfer coding",
      openingRequest({ "transfer-ENCODING": " \tchunked" }),
      400,
      body,
    ],
    ["an empty transfer coding", openingRequest({ "Transfer-Encoding": "" }), 400, body],
    [
      "a length and a transfer coding",
      openingRequest({ "Content-Length": "0", "Transfer-Encoding": "identity" }),
      400,
      body,
    ],
    ["a key but no Upgrade (§4.2.1)", openingRequest({ Upgrade: [] }), 400, "bad_upgrade"],
    ["a key but no Connection (§4.2.1)", openingRequest({ Connection: [] }), 400, "bad_upgrade"],
    ["another Upgrade", openingRequest({ Upgrade: "h2c" }), 400, "bad_upgrade"],
    ["an Upgrade in quotes", openingRequest({ Upgrade: '"websocket"' }), 400, "bad_upgrade"],
    ["an Upgrade with a suffix", openingRequest({ Upgrade: "websockets" }), 400, "bad_upgrade"],
    ["another Connection", openingRequest({ Connection: "close" }), 400, "bad_upgrade"],
    [
      "a plain request",
      openingRequest({ ...keyLess, Upgrade: [], Connection: [] }),
      426,
      "upgrade_required",
      upgradeHeaders,
    ],
    [
      "no version (§4.4)",
      openingRequest({ "Sec-WebSocket-Version": [] }),
      426,
      "bad_version",
      versionHeaders,
    ],
    ...["8", "0", "14", "013", "13, 8", "13.0", "+13", "", "１３"].map((version): Case => [
      `version "${version}" (§4.4)`,
      openingRequest({ "Sec-WebSocket-Version": version }),
      426,
      "bad_version",
      versionHeaders,
    ]),
    [
      "the version twice",
      openingRequest({ "Sec-WebSocket-Version": ["13", "13"] }),
      426,
      "bad_version",
      versionHeaders,
    ],
    ["no key (§4.2.1)", openingRequest(keyLess), 400, "bad_key"],
    ["two keys", openingRequest({ "Sec-WebSocket-Key": [RFC_KEY, RFC_KEY] }), 400, "bad_key"],
    ...[
      "",
      "AAAA",
      "dGhlIHNhbXBsZSBub25jZQ=",
      "dGhlIHNhbXBsZSBub25jZQ",
      "dGhlIHNhbXBsZSBub25jZR==",
      "dGhlIHNhbXBsZSBub25jZQ==\n",
      "dGhlIHNhbXBsZSBub25jZQA=",
      "dGhlIHNhbXBsZSBub25jZ-==",
      "dGhlIHNhbXBsZSBub25jZSEAAA==",
      `${RFC_KEY}, ${RFC_KEY}`,
    ].map((key): Case => [
      `key ${JSON.stringify(key)}, not base64 of 16 bytes`,
      openingRequest({ "Sec-WebSocket-Key": key }),
      400,
      "bad_key",
    ]),
    ...[["a, a"], ["a", "a"], ["a b"], ["a,b/c"], ['"a"'], ["é"], ["a;b"]].map((value): Case => [
      `subprotocols ${JSON.stringify(value)} (§4.1)`,
      openingRequest({ "Sec-WebSocket-Protocol": value }),
      400,
      "bad_protocols",
    ]),
    ...["foo;", ";", "foo bar", 'foo; x="', "=", "foo; =1"].map((value): Case => [
      `extensions ${JSON.stringify(value)} (§9.1)`,
      openingRequest({ "Sec-WebSocket-Extensions": value }),
      400,
      "bad_extensions",
    ]),
    ["two Origins", openingRequest({ Origin: ["http://a", "http://b"] }), 400, "bad_origin"],
  ];

  test.each(cases)("%s", (_, request, status, code, headers = []) => {
    const refusal = refusalOf(request);
    expect(refusal).toMatchObject({ status, code, headers });
    expect(refusal!.message).toMatch(/^[^\r\n]+\.$/);
  });

  test("a huge method is not repeated in full (RFC 9110 §15.5.6)", () => {
    const refusal = refusalOf(openingRequest({}, { method: "X".repeat(10_000) }));
    expect(refusal!.message.length).toBeLessThan(200);
  });

  test("a plain GET may be answered with instructions (RFC 9110 §15.5.22)", () => {
    expect(upgradeRequired()).toMatchObject({ status: 426, headers: upgradeHeaders });
  });

  test("an Upgrade that was lost after too many headers is refused, without a throw (CVE-2024-37890)", () => {
    const filler = Array.from({ length: 5000 }, (_, index): [string, string] => [
      `x-${index}`,
      "v",
    ]);
    const kept = openingRequest({ Upgrade: [], Connection: [] }).headers;
    expect(refusalOf(openingRequest({}, { headers: [...filler, ...kept] }))).toMatchObject({
      status: 400,
      code: "bad_upgrade",
    });
  });

  test("no headers at all, and names from prototypes, are refused, without a throw", () => {
    expect(refusalOf(openingRequest({}, { headers: [] }))?.status).toBe(400);
    const headers = ["__proto__", "constructor", "toString"].map((name): [string, string] => [
      name,
      "websocket",
    ]);
    expect(refusalOf(openingRequest({}, { headers }))?.status).toBe(400);
  });

  test("any input gives an opening or a refusal, and never throws (CVE-2022-41940)", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.constantFrom("websocket", "Upgrade", "13", RFC_KEY, "a, b", 'x; y="z', ",", "__proto__"),
    );
    const name = fc.oneof(
      fc.constantFrom(
        "Host",
        "Upgrade",
        "Connection",
        "Origin",
        "Content-Length",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Extensions",
      ),
      fc.string({ maxLength: 10 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom("GET", "POST", ""),
        fc.constantFrom("1.1", "1.0", "2.0", ""),
        fc.array(fc.tuple(name, text), { maxLength: 6 }),
        fc.boolean(),
        (method, httpVersion, changed, complete) => {
          const headers = complete ? openingRequest(Object.fromEntries(changed)).headers : changed;
          const result = checkUpgrade({ method, httpVersion, headers });
          if (result.kind === "refusal") {
            expect([400, 405, 426]).toContain(result.refusal.status);
          } else {
            expect(result.key).toHaveLength(24);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("Sec-WebSocket-Protocol of any length (CVE-2021-32640)", () => {
  test("a megabyte of spaces is parsed in linear time", () => {
    const spaces = " ".repeat(1 << 20);
    for (const value of [`a${spaces}b`, `a,${spaces},b`, `${spaces}x`, `x${spaces}`, spaces]) {
      const result = checkUpgrade(openingRequest({ "Sec-WebSocket-Protocol": value }));
      expect(result.kind).toBe(value.startsWith(`a${spaces}`) ? "refusal" : "opening");
    }
  });

  test("a hundred thousand members are parsed in linear time, in Connection and Extensions, too", () => {
    const members = Array.from({ length: 100_000 }, (_, index) => `p${index}`).join(" , ");
    const opening = openingOf(openingRequest({ "Sec-WebSocket-Protocol": members }));
    expect(opening?.protocols).toHaveLength(100_000);
    const blanks = " \t".repeat(1 << 19);
    expect(openingOf(openingRequest({ Connection: `x,${blanks},upgrade` }))).toBeDefined();
    const extensions = `a${blanks};${blanks}b${blanks}=${blanks}c`;
    expect(openingOf(openingRequest({ "Sec-WebSocket-Extensions": extensions }))).toBeDefined();
  });
});

describe("the response (RFC 6455 §4.2.2)", () => {
  test("equals the RFC's example (RFC 6455 §1.3)", () => {
    expect(formatAcceptance({ key: RFC_KEY, sha1 })).toBe(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${RFC_ACCEPT}\r\n\r\n`,
    );
  });

  test("has the subprotocol, the extensions and additional headers, if there are any", () => {
    const headers: [string, string][] = [["Set-Cookie", "a=b"]];
    const answer = formatAcceptance({
      key: RFC_KEY,
      sha1,
      protocol: "chat",
      extensions: "x; y=1",
      headers,
    });
    expect(answer.split("\r\n").slice(4)).toEqual([
      "Sec-WebSocket-Protocol: chat",
      "Sec-WebSocket-Extensions: x; y=1",
      "Set-Cookie: a=b",
      "",
      "",
    ]);
  });
});
