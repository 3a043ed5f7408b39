import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeClientMessage } from "../../../src/live/wire/client-message.ts";

const names = fc.oneof(
  fc.constantFrom("type", "id", "topic", "params", "since", "key", "data", "remove", "method"),
  fc.constantFrom("idempotencyKey", "__proto__", "constructor", "toString", "epoch", "offset"),
);
const types = fc.oneof(
  fc.constantFrom("hello", "subscribe", "unsubscribe", "publish", "call", "refresh", "ping"),
  fc.constantFrom("__proto__", "constructor", "hasOwnProperty", "valueOf", ""),
);
const value = fc.oneof(
  fc.jsonValue(),
  types,
  fc.constantFrom(1, "x", {}, { epoch: "e", offset: 1 }),
);

describe("a client's message", () => {
  test("any text is decoded to a value", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(decodeClientMessage(text).kind).toMatch(/^(message|refused|malformed)$/);
      }),
      { numRuns: 1_000 },
    );
  });

  test("any object with known names and any values is decoded to a value; only known types are messages", () => {
    const message = fc.tuple(types, fc.array(fc.tuple(names, value)));
    fc.assert(
      fc.property(message, ([type, fields]) => {
        const text = `{${[["type", type], ...fields]
          .map(([name, part]) => `${JSON.stringify(name)}:${JSON.stringify(part)}`)
          .join(",")}}`;
        const decoded = decodeClientMessage(text);
        expect(decoded.kind).not.toBe("malformed");
        if (decoded.kind !== "message") return;
        expect([
          "hello",
          "subscribe",
          "unsubscribe",
          "publish",
          "call",
          "refresh",
          "ping",
        ]).toContain(decoded.message.type);
      }),
      { numRuns: 2_000 },
    );
  });

  test("the deepest nesting that fits in a message is decoded to a value", () => {
    const deep = `${"[".repeat(500_000)}${"]".repeat(500_000)}`;
    expect(decodeClientMessage(deep).kind).toBe("malformed");
    expect(decodeClientMessage(`{"type":"ping","x":${deep}}`).kind).toMatch(
      /^(message|malformed)$/,
    );
  });

  test("a refusal contains the id if it is valid", () => {
    expect(decodeClientMessage('{"type":"x","id":"a"}')).toMatchObject({
      code: "unknown_type",
      id: "a",
    });
    expect(decodeClientMessage('{"type":"x","id":[1]}')).toMatchObject({ id: undefined });
    expect(decodeClientMessage(`{"type":"x","id":"${"a".repeat(256)}"}`)).toMatchObject({
      id: undefined,
    });
    expect(decodeClientMessage('{"type":"subscribe","topic":"t"}')).toMatchObject({
      code: "bad_request",
    });
  });

  test("subscribe without params requests everything; with params that are not an object it is invalid_params", () => {
    const subscribe = { type: "subscribe", id: 1, topic: "t" };
    const decoded = decodeClientMessage(JSON.stringify(subscribe));
    expect(decoded).toEqual({
      kind: "message",
      message: { ...subscribe, params: {}, since: undefined },
    });
    for (const params of [[], "x", null, 1]) {
      const refused = decodeClientMessage(JSON.stringify({ ...subscribe, params }));
      expect(refused).toMatchObject({ kind: "refused", code: "invalid_params" });
    }
  });

  test("a publish of null or false has data", () => {
    for (const data of [null, false, 0, ""]) {
      const text = JSON.stringify({ type: "publish", id: 1, topic: "t", data, remove: false });
      expect(decodeClientMessage(text)).toMatchObject({
        message: { draft: { json: JSON.stringify(data), removed: false } },
      });
    }
  });
});
