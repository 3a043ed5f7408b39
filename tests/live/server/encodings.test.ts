import { describe, expect, test, vi } from "vitest";
import { eventOf } from "../../../src/live/index.ts";
import { asRemoved } from "../../../src/live/topic-event.ts";
import {
  dataText,
  entryText,
  eventStreamEncoding,
  eventText,
  FrameEncodings,
  snapshotText,
} from "../../../src/live/server/encodings.ts";

const topic = { name: 'a"b', epoch: "e:1" };
const set = eventOf({ key: 'k"', data: { n: 1 } }, 5, 0);
const removed = eventOf({ key: "gone", removed: true }, 6, 0);
const logged = eventOf({ data: [1] }, 7, 0);
const page = { offset: 6, entries: [set, removed], complete: true, more: false };
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("as the contract's tables have it", () => {
  test("event", () => {
    const common = { type: "event", topic: topic.name };
    expect(JSON.parse(eventText(topic, set))).toEqual({
      ...common,
      offset: 5,
      key: 'k"',
      data: { n: 1 },
    });
    expect(JSON.parse(eventText(topic, removed))).toEqual({
      ...common,
      offset: 6,
      key: "gone",
      removed: true,
    });
    expect(JSON.parse(eventText(topic, logged))).toEqual({ ...common, offset: 7, data: [1] });
    expect(eventText(topic, set).startsWith('{"type":')).toBe(true);
  });

  test("snapshot", () => {
    expect(JSON.parse(snapshotText(topic, page))).toEqual({
      type: "snapshot",
      topic: topic.name,
      epoch: topic.epoch,
      offset: 6,
      entries: [
        { key: 'k"', offset: 5, data: { n: 1 } },
        { key: "gone", offset: 6, removed: true },
      ],
      complete: true,
      more: false,
    });
    expect(JSON.parse(snapshotText(topic, { ...page, entries: [] })).entries).toEqual([]);
  });

  test("Level 0: the data, or the removed key", () => {
    expect([dataText(set), dataText(removed)]).toEqual(['{"n":1}', '{"removed":"gone"}']);
  });

  test("the events of a log topic have offset and data", () => {
    expect(JSON.parse(entryText(logged))).toEqual({ offset: 7, data: [1] });
  });

  test("server-sent events: an id where one can resume, so not on pages that more follow", () => {
    const item = text(eventStreamEncoding.event(topic, set));
    expect(item).toBe(`id: e:1:5\ndata: ${eventText(topic, set)}\n\n`);
    expect(text(eventStreamEncoding.page(topic, page))).toMatch(/^id: e:1:6\ndata: \{.*\}\n\n$/);
    expect(text(eventStreamEncoding.page(topic, { ...page, more: true }))).toMatch(
      /^data: \{.*\}\n\n$/,
    );
  });
});

describe("frames", () => {
  const format = (name: string) => ({
    name,
    encodeText: vi.fn((frame: string): Uint8Array => Buffer.from(`${frame}\n`)),
  });

  test("Level 0's pages are a message per key, Level 1's are one", () => {
    const { data, event } = new FrameEncodings().of(format("plain"));
    expect(text(data.page(topic, page))).toBe('{"n":1}\n{"removed":"gone"}\n');
    expect(text(event.page(topic, page))).toBe(`${snapshotText(topic, page)}\n`);
  });

  test("formats of one name share encodings, those of others have their own, also by name", () => {
    const encodings = new FrameEncodings();
    const plain = encodings.of(format("plain"));
    expect(encodings.of(format("plain"))).toBe(plain);
    const deflated = encodings.of(format("deflate15"));
    const names = [plain, deflated].flatMap(({ data, event }) => [data.name, event.name]);
    expect(new Set(names).size).toBe(4);
  });

  test("an event that goes through several views is framed once", () => {
    const plain = format("plain");
    const { data, event } = new FrameEncodings().of(plain);
    const frames = [1, 2, 3].map(() => event.event({ ...topic }, set));
    expect(new Set(frames).size).toBe(1);
    expect(plain.encodeText).toHaveBeenCalledTimes(1);
    expect(text(data.event(topic, set))).toBe('{"n":1}\n');
    expect(text(event.event(topic, removed))).toBe(`${eventText(topic, removed)}\n`);
    expect(text(event.event({ ...topic, name: "other" }, removed))).toContain('"other"');
  });
});

test("an event that some views have and others lose is encoded once as it is and once as removed", () => {
  const encodeText = vi.fn((body: string) => new TextEncoder().encode(body));
  const encoding = new FrameEncodings().of({ name: "counted", encodeText }).event;
  for (let view = 0; view < 60; view += 1)
    encoding.event(topic, view % 2 === 0 ? set : asRemoved(set));
  expect(encodeText).toHaveBeenCalledTimes(2);
});
