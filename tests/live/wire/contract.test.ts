import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeClientMessage } from "../../../src/live/wire/client-message.ts";
import { isTerminal, LiveCloseCode } from "../../../src/live/wire/close-code.ts";
import { decodeServerMessage } from "../../../src/live/wire/index.ts";
import { SUBPROTOCOL } from "../../../src/live/wire/subprotocol.ts";

const page = readFileSync(
  new URL("../../../docs/concepts/live-protocol.md", import.meta.url),
  "utf8",
);

interface Field {
  name: string;
  isOptional: boolean;
}

/** The messages of a table of the page, with the fields of each. */
function messagesOf(heading: string): Map<string, Field[]> {
  const from = page.indexOf(`### ${heading}`);
  const part = page.slice(from, page.indexOf("###", from + 4));
  const messages = new Map<string, Field[]>();
  for (const [, type, fields] of part.matchAll(/^\| `(\w+)` \| ([^|]*) \|/gm)) {
    const names = [...fields!.matchAll(/`(\w+)(\??)/g)];
    messages.set(
      type!,
      names.map(([, name, optional]) => ({ name: name!, isOptional: optional === "?" })),
    );
  }
  return messages;
}

/** A value that is right for a field, whatever message has it. */
const values: Readonly<Record<string, unknown>> = {
  token: "t",
  maxMessage: 2_048,
  id: 1,
  topic: "news",
  params: {},
  since: { epoch: "e", offset: 3 },
  view: "all",
  from: { last: 3 },
  before: { epoch: "e", offset: 3 },
  last: 2,
  maxPerSecond: 2,
  key: "k",
  data: 1,
  method: "m",
  methods: ["m"],
  run: "r",
  error: { code: "c", message: "m" },
  idempotencyKey: "i",
};

const fromClient = messagesOf("Client → server");
const fromServer = messagesOf("Server → client");

test("the page names the subprotocol", () => {
  expect(page).toContain(`\`Sec-WebSocket-Protocol: ${SUBPROTOCOL}\``);
});

describe("client → server", () => {
  test("the page lists the messages that the server reads", () => {
    expect([...fromClient.keys()].toSorted()).toEqual([
      "call",
      "hello",
      "history",
      "offers",
      "ping",
      "publish",
      "refresh",
      "response",
      "subscribe",
      "unsubscribe",
    ]);
  });

  test.each([...fromClient])(
    "%s is read with the page's fields, and requires the mandatory ones",
    (type, fields) => {
      const known = fields.filter(({ name }) => Object.hasOwn(values, name));
      const whole = { type, ...Object.fromEntries(known.map(({ name }) => [name, values[name]])) };
      expect(decodeClientMessage(JSON.stringify(whole))).toMatchObject({ kind: "message" });
      for (const { name, isOptional } of known) {
        // Of data and remove: true one is needed.
        if (name === "data") continue;
        const { [name]: _, ...less } = whole as Record<string, unknown>;
        const isEither = type === "response" && name === "error";
        const kind = isOptional || isEither ? "message" : "refused";
        expect(decodeClientMessage(JSON.stringify(less)), `without ${name}`).toMatchObject({
          kind,
        });
        // A field that nobody read could be anything.
        const wrong = { ...whole, [name]: name === "id" || name === "methods" ? {} : [] };
        const isAny = name === "data" || name === "view" || (type === "call" && name === "params");
        const isRefused = decodeClientMessage(JSON.stringify(wrong)).kind === "refused";
        expect(isRefused, `with a wrong ${name}`).toBe(!isAny && !(type === "ping"));
      }
    },
  );

  test("a type that is not on the page is refused with unknown_type", () => {
    const decoded = decodeClientMessage(JSON.stringify({ type: "shout", id: 1 }));
    expect(decoded).toMatchObject({ kind: "refused", code: "unknown_type" });
  });
});

describe("server → client", () => {
  const needed = [
    "welcome",
    "subscribed",
    "snapshot",
    "position",
    "gap",
    "event",
    "published",
    "request",
  ];

  test.each(needed)("%s without a field that the client requires is malformed", (type) => {
    const fields = fromServer.get(type)!.filter(({ isOptional }) => !isOptional);
    const whole = Object.fromEntries(fields.map(({ name }) => [name, name === "epoch" ? "e" : 1]));
    expect(decodeServerMessage(JSON.stringify({ type, ...whole }))).toMatchObject({ type });
    const missing = fields.filter(({ name }) => {
      const { [name]: _, ...less } = whole;
      try {
        decodeServerMessage(JSON.stringify({ type, ...less }));
        return false;
      } catch {
        return true;
      }
    });
    expect(missing.length, "no field of the page is needed").toBeGreaterThan(0);
  });
});

describe("close codes", () => {
  const line = /^Close codes:.*$/m.exec(page)![0];
  const named = [...line.matchAll(/\b(\d{4})\b/g)].map(([, code]) => Number(code));

  test("the page lists the codes that the server uses", () => {
    for (const code of Object.values(LiveCloseCode)) expect(named, String(code)).toContain(code);
  });

  test("the page's 44xx codes are terminal, and no others", () => {
    for (const code of named)
      expect(isTerminal(code), String(code)).toBe(code >= 4400 && code < 4500);
  });
});
