import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultHandshakeLimits, ResponseHeadReader } from "../../../src/protocol/index.ts";
import type { HandshakeLimits, HeadProgress } from "../../../src/protocol/index.ts";
import { cuttings, singleBytes } from "../../rigs/protocol/cut-chunks.ts";

function octets(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "latin1"));
}

/** Feeds chunks until the reader is done; the remaining ones count as rest. */
function read(chunks: Uint8Array[], limits = defaultHandshakeLimits): HeadProgress {
  const reader = new ResponseHeadReader(limits);
  for (const [index, chunk] of chunks.entries()) {
    const progress = reader.receive(chunk);
    if (progress.kind === "incomplete") continue;
    if (progress.kind === "failed") return progress;
    const rest = new Uint8Array(Buffer.concat([progress.rest, ...chunks.slice(index + 1)]));
    return { ...progress, rest };
  }
  return { kind: "incomplete" };
}

function readText(text: string, limits?: HandshakeLimits): HeadProgress {
  return read([octets(text)], limits);
}

function failureOf(text: string, limits?: HandshakeLimits): string | undefined {
  const progress = readText(text, limits);
  return progress.kind === "failed" ? progress.error.code : undefined;
}

const HEAD =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nX-Empty:\r\nX: \t a  b \t\r\n\r\n";

describe("a response head (RFC 9112 §4, §5)", () => {
  const expected = {
    httpVersion: "1.1",
    status: 101,
    statusText: "Switching Protocols",
    headers: [
      ["Upgrade", "websocket"],
      ["X-Empty", ""],
      ["X", "a  b"],
    ],
  };

  test("is parsed, and the bytes after it are the first frames (RFC 6455 §4.1)", () => {
    const progress = readText(`${HEAD}\x81\x01a`);
    expect(progress).toEqual({ kind: "complete", head: expected, rest: octets("\x81\x01a") });
  });

  test("is parsed in the same way with any chunking (RFC 9112 §4)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), cuttings, (rest, cut) => {
        const wire = new Uint8Array(Buffer.concat([octets(HEAD), rest]));
        expect(read(cut(wire))).toEqual({ kind: "complete", head: expected, rest });
      }),
      { numRuns: 200 },
    );
  });

  test("any bytes with any chunking have the same result, without a throw (RFC 9112 §4)", () => {
    const piece = fc.constantFrom(
      "HTTP/1.1 101 x\r\n",
      "HTTP/1.1 200\r\n",
      "a: b\r\n",
      "\r\n",
      "\n",
      "\r",
      ":",
      " ",
      "x",
    );
    const bytes = fc.oneof(
      fc.array(piece, { maxLength: 12 }).map((pieces) => octets(pieces.join(""))),
      fc.uint8Array({ maxLength: 100 }),
    );
    const limits = { maxHeaderBytes: 60, maxHeaderLines: 2, maxInterimResponses: 1 };
    fc.assert(
      fc.property(bytes, cuttings, (wire, cut) => {
        const whole = read([wire], limits);
        const cutUp = read(cut(wire), limits);
        expect(cutUp.kind).toBe(whole.kind);
        if (cutUp.kind === "failed" && whole.kind === "failed") {
          expect(cutUp.error.message).toBe(whole.error.message);
        } else {
          expect(cutUp).toEqual(whole);
        }
      }),
      { numRuns: 500 },
    );
  });

  test.each([100, 102, 103, 199])(
    "may follow an interim response of %i (RFC 9110 §15.2)",
    (status) => {
      const interim = `HTTP/1.1 ${status} X\r\nLink: </a>; rel=preload\r\n\r\n`;
      expect(readText(interim)).toEqual({ kind: "incomplete" });
      expect(readText(interim + interim + HEAD)).toEqual(readText(HEAD));
    },
  );

  test("is incomplete until its empty line (RFC 9112 §2.1)", () => {
    for (let end = 0; end < HEAD.length; end += 1) {
      expect(readText(HEAD.slice(0, end))).toEqual({ kind: "incomplete" });
    }
  });

  test.each([
    ["HTTP/1.1 101\r\n\r\n", 101, ""],
    ["HTTP/1.1 101 \r\n\r\n", 101, ""],
    ["HTTP/1.0 404 Not Found\r\n\r\n", 404, "Not Found"],
    ["HTTP/1.1 503 Büro zu\r\n\r\n", 503, "Büro zu"],
  ])("%j is a valid status line (RFC 9112 §4)", (text, status, statusText) => {
    expect(readText(text)).toMatchObject({ kind: "complete", head: { status, statusText } });
  });

  test.each([
    "\r\n",
    "\r\n\r\n",
    "SSH-2.0-OpenSSH\r\n\r\n",
    "http/1.1 101 x\r\n\r\n",
    "HTTP/1.1  101 x\r\n\r\n",
    "HTTP/1.1 10 x\r\n\r\n",
    "HTTP/1.1 1010 x\r\n\r\n",
    "HTTP/11 101 x\r\n\r\n",
    "HTTP/1.1 abc x\r\n\r\n",
    " HTTP/1.1 101 x\r\n\r\n",
    "HTTP/1.1 101x\r\n\r\n",
    "HTTP/1.1\t101 x\r\n\r\n",
    "HTTP/1.1 101 a\rb\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",
    "\0HTTP/1.1 101 x\r\n\r\n",
  ])("%j is not a valid status line (RFC 9112 §4)", (text) => {
    expect(failureOf(text)).toBe("bad_response");
  });

  test.each([
    ["no colon", "abc"],
    ["no name", ": x"],
    ["a blank before the colon", "a : x"],
    ["a blank before the name", " a: x"],
    ["a folded value", "a: x\r\n y"],
    ["a bad name", "a(b): x"],
    ["a NUL in the value", "a: x\0y"],
    ["an escape in the value", "a: \x1b[2J"],
    ["a bare CR in the value", "a: x\ry"],
    ["a bare CR before the end", "a: x\r\r"],
    ["a DEL in the value", "a: \x7f"],
  ])("a header line with %s fails it (RFC 9112 §5)", (_, line) => {
    expect(failureOf(`HTTP/1.1 101 x\r\n${line}\r\n\r\n`)).toBe("bad_response");
  });

  test("a bare LF fails it immediately, at any position (RFC 9112 §2.2)", () => {
    for (const text of [
      "\n",
      "HTTP/1.1 101 x\n",
      "HTTP/1.1 101 x\r\na: b\n",
      "HTTP/1.1 101 x\r\n\n",
    ]) {
      const reader = new ResponseHeadReader(defaultHandshakeLimits);
      const chunks = singleBytes(octets(text));
      const kinds = chunks.map((chunk) => reader.receive(chunk).kind);
      expect(kinds).toEqual([...Array<string>(chunks.length - 1).fill("incomplete"), "failed"]);
    }
  });

  test("a failed reader stays failed (RFC 9112 §2.2)", () => {
    const reader = new ResponseHeadReader(defaultHandshakeLimits);
    expect(reader.receive(octets("x\n")).kind).toBe("failed");
    expect(reader.receive(octets(HEAD)).kind).toBe("failed");
  });

  test("header names such as __proto__ are ordinary names", () => {
    const progress = readText("HTTP/1.1 101 x\r\n__proto__: a\r\nconstructor: b\r\n\r\n");
    expect(progress).toMatchObject({
      head: {
        headers: [
          ["__proto__", "a"],
          ["constructor", "b"],
        ],
      },
    });
  });
});

describe("a head's limits (RFC 6455 §10.4, header drip: CVE-2026-54467)", () => {
  const start = "HTTP/1.1 101 x\r\n";

  test("as many bytes as the limit are accepted, one more fails; bytes after the head do not count", () => {
    const text = `${start}a: b\r\n\r\n`;
    const limits = { maxHeaderBytes: text.length, maxHeaderLines: 10, maxInterimResponses: 1 };
    expect(readText(`${text}${"x".repeat(1000)}`, limits)).toMatchObject({ kind: "complete" });
    const tight = { maxHeaderBytes: text.length - 1, maxHeaderLines: 10, maxInterimResponses: 1 };
    const progress = readText(text, tight);
    expect(progress).toMatchObject({
      kind: "failed",
      error: {
        name: "LimitError",
        code: "header_too_large",
        size: text.length,
        limit: text.length - 1,
      },
    });
  });

  test("as many lines as the limit are accepted, one more fails", () => {
    const limits = { maxHeaderBytes: 10_000, maxHeaderLines: 3, maxInterimResponses: 1 };
    const line = "a: b\r\n";
    expect(readText(`${start}${line.repeat(3)}\r\n`, limits)).toMatchObject({ kind: "complete" });
    expect(readText(`${start}${line.repeat(4)}\r\n`, limits)).toMatchObject({
      kind: "failed",
      error: { name: "LimitError", code: "header_too_large", size: 4, limit: 3 },
    });
  });

  test.each([
    ["a line that does not end", "x"],
    ["headers that do not end", "a: b\r\n"],
    ["carriage returns", "\r"],
  ])("%s, sent byte by byte, fail at the limit", (_, drip) => {
    const reader = new ResponseHeadReader(defaultHandshakeLimits);
    reader.receive(octets(start));
    let dripped = 0;
    let progress: HeadProgress = { kind: "incomplete" };
    while (progress.kind === "incomplete" && dripped < 100_000) {
      progress = reader.receive(octets(drip[dripped % drip.length]!));
      dripped += 1;
    }
    expect(progress).toMatchObject({ kind: "failed", error: { code: "header_too_large" } });
    expect(start.length + dripped).toBeLessThanOrEqual(defaultHandshakeLimits.maxHeaderBytes + 1);
  });

  test("as many interim responses as the limit are skipped, one more fails", () => {
    const limits = { ...defaultHandshakeLimits, maxInterimResponses: 3 };
    const interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    expect(readText(interim.repeat(3) + HEAD, limits)).toMatchObject({ kind: "complete" });
    expect(readText(interim.repeat(4), limits)).toMatchObject({
      kind: "failed",
      error: { code: "header_too_large", size: 4, limit: 3 },
    });
  });

  test("the bytes and lines of interim responses count", () => {
    const interim = "HTTP/1.1 103 X\r\na: b\r\n\r\n";
    const bytes = { ...defaultHandshakeLimits, maxHeaderBytes: 2 * interim.length };
    expect(readText(interim.repeat(2), bytes)).toEqual({ kind: "incomplete" });
    expect(readText(`${interim.repeat(2)}H`, bytes)).toMatchObject({ kind: "failed" });
    const lines = { ...defaultHandshakeLimits, maxHeaderLines: 3 };
    expect(readText(interim.repeat(2), lines)).toEqual({ kind: "incomplete" });
    expect(readText(interim.repeat(3), lines)).toMatchObject({ kind: "failed" });
  });

  test("beyond the limit, every further chunk fails, too", () => {
    const reader = new ResponseHeadReader({
      maxHeaderBytes: 10,
      maxHeaderLines: 5,
      maxInterimResponses: 1,
    });
    expect(reader.receive(octets("x".repeat(11))).kind).toBe("failed");
    expect(reader.receive(octets("\r\n\r\n")).kind).toBe("failed");
  });
});
