import { describe, expect, test } from "vitest";
import { keyedTopic, logTopic, method, type StandardSchema } from "../../../src/live/index.ts";
import { MemoryLive, type Guest } from "../../rigs/live/memory-live.ts";

const anything: StandardSchema = {
  "~standard": { version: 1, vendor: "test", validate: (value) => ({ value }) },
};

const topics = [
  logTopic("alerts", { clientPublish: true }),
  logTopic("checked", { clientPublish: true, data: anything }),
  keyedTopic("state", { clientPublish: true, match: ({ of }, { data }) => of === data }),
];

const methods = { echo: method({ handle: (params) => params }) };

async function guest(): Promise<Guest> {
  const live = await MemoryLive.open({ topics, methods });
  return live.level1();
}

/** Everything that this client is sent from now on. */
function texts(of: Guest): string[] {
  const got: string[] = [];
  of.peer.onText = (text) => void got.push(text);
  return got;
}

/** Objects of so many members together, each of which has more than 1,000. */
function wide(members: number): string {
  return `{${Array.from({ length: members }, (_, at) => `"name ${at}":0`).join(",")}}`;
}

describe("published data", () => {
  test.each(["12345678901234567890", "1e400", "1.50", '"\\ud800"', '{"a":1,"a":2}'])(
    "%s reaches subscribers as it was written",
    async (data) => {
      const ann = await guest();
      const got = texts(ann);
      await ann.send({ type: "subscribe", id: 1, topic: "alerts" });
      await ann.send(`{ "type":"publish","id":2,"topic":"alerts","data": ${data} }`);
      expect(got.some((text) => text.includes(`"data":${data}`))).toBe(true);
    },
  );

  test("loses its white space, because a line break would end an event of a stream", async () => {
    const ann = await guest();
    const got = texts(ann);
    await ann.send({ type: "subscribe", id: 1, topic: "alerts" });
    await ann.send(
      '{"type":"publish","id":2,"topic":"alerts","data":[ 1,\n{"a b" :\t"c  d\\""} ]}',
    );
    expect(got.some((text) => text.includes('"data":[1,{"a b":"c  d\\""}]'))).toBe(true);
  });

  test("nested deeper than 1,000 levels is refused, and the connection stays", async () => {
    const ann = await guest();
    const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    const publish = (data: string): string =>
      `{"type":"publish","id":2,"topic":"alerts","data":${data}}`;
    await ann.send(publish(deep(1_001)));
    expect(ann.take().at(-1)).toMatchObject({ id: 2, code: "bad_request" });
    await ann.send(publish(deep(1_000)));
    expect(ann.take().at(-1)).toMatchObject({ id: 2, type: "published" });
  });
});

test("that a schema has changed in place reaches subscribers changed", async () => {
  const rounding: StandardSchema<unknown, { n: number }> = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: (value) => {
        const given = value as { n: number };
        given.n = Math.round(given.n);
        return { value: given };
      },
    },
  };
  const live = await MemoryLive.open({
    topics: [logTopic("rounded", { clientPublish: true, data: rounding })],
  });
  const ann = await live.level1();
  await ann.send({ type: "subscribe", id: 1, topic: "rounded" });
  await ann.send({ type: "publish", id: 2, topic: "rounded", data: { n: 1.6 } });
  expect(ann.take()).toContainEqual(expect.objectContaining({ type: "event", data: { n: 2 } }));
});

describe("data that the server has to parse", () => {
  test.each([
    ["publish", { topic: "checked", data: "LOSSY" }, "invalid_data"],
    ["call", { method: "echo", params: "LOSSY" }, "invalid_params"],
    ["subscribe", { topic: "state", params: "LOSSY" }, "invalid_params"],
  ])("%s with a number that would become another one is refused", async (type, fields, code) => {
    const ann = await guest();
    const request = JSON.stringify({ type, id: 1, ...fields });
    await ann.send(request.replace('"LOSSY"', '{"a":9007199254740993}'));
    const answer = ann.take().at(-1);
    expect(answer).toMatchObject({ code });
    expect(answer?.["message"]).toContain("9007199254740993, which would become 9007199254740992");
  });

  test.each([
    ["publish", { topic: "checked", data: "WIDE" }],
    ["publish", { topic: "state", key: "k", data: "WIDE" }],
    ["call", { method: "echo", params: "WIDE" }],
  ])("%s %o with objects of too many members is refused", async (type, fields) => {
    const ann = await guest();
    const request = JSON.stringify({ type, id: 1, ...fields });
    await ann.send(request.replace('"WIDE"', wide(20_001)));
    expect(ann.take().at(-1)).toMatchObject({ code: "too_large" });
    await ann.send(request.replace('"WIDE"', wide(20_000)));
    expect(ann.take().at(-1)).not.toHaveProperty("code");
  });

  test("if nothing parses it, an object may have any number of members", async () => {
    const ann = await guest();
    await ann.send(`{"type":"publish","id":1,"topic":"alerts","data":${wide(50_000)}}`);
    expect(ann.take().at(-1)).toMatchObject({ type: "published" });
  });
});
