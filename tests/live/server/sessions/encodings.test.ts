import { describe, expect, test, vi } from "vitest";
import { eventOf } from "../../../../src/topics/index.ts";
import { asRemoved } from "../../../../src/topics/event.ts";
import {
  dataText,
  entryText,
  eventStreamEncoding,
  eventText,
  FrameEncodings,
  snapshotText,
} from "../../../../src/live/server/sessions/encodings.ts";

const topic = { name: 'a"b', epoch: "e:1" };
const set = eventOf({ key: 'k"', data: { n: 1 } }, 5, 0);
const removed = eventOf({ key: "gone", removed: true }, 6, 0);
const logged = eventOf({ data: [1] }, 7, 0);
const page = { offset: 6, entries: [set, removed], complete: true, more: false };
const text = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString();

describe("matches the tables of the protocol", () => {
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

  test("server-sent events: an id where a client can resume, so not on pages that are followed by more", () => {
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

  test("Level 0's pages are one message per key, Level 1's are one message", () => {
    const { data, event } = new FrameEncodings().of(format("plain"));
    expect(text(data.page(topic, page))).toBe('{"n":1}\n{"removed":"gone"}\n');
    expect(text(event.page(topic, page))).toBe(`${snapshotText(topic, page)}\n`);
  });

  test("a message longer than the client accepts is not framed", () => {
    const length = Buffer.byteLength(eventText(topic, logged));
    const most = 2 ** Math.ceil(Math.log2(length));
    const fitting = eventOf({ data: "x".repeat(most - length + 1) }, 7, 0);
    const longer = eventOf({ data: "x".repeat(most - length + 2) }, 7, 0);
    // Two characters take the place of [1], and one takes four bytes.
    const wide = eventOf({ data: `${"x".repeat(most - length - 2)}😀` }, 7, 0);
    const { data, event } = new FrameEncodings().of(format("plain"), most);
    expect(text(event.event(topic, fitting))).toHaveLength(most + 1);
    expect(event.event(topic, longer)).toBe(undefined);
    expect(event.event(topic, wide)).toBe(undefined);
    expect(event.page(topic, { ...page, entries: [longer] })).toBe(undefined);
    expect(text(data.page(topic, { ...page, entries: [set, longer] }))).toBeDefined();
    const both = { ...page, entries: [set, eventOf({ data: "x".repeat(most) }, 8, 0)] };
    expect(data.page(topic, both)).toBe(undefined);
  });

  test("limits are rounded down to powers of two, so that clients cannot create many encodings", () => {
    const encodings = new FrameEncodings();
    const plain = format("plain");
    expect(encodings.of(plain, 1_025)).toBe(encodings.of(plain, 2_047));
    expect(encodings.of(plain, 2_048)).not.toBe(encodings.of(plain, 2_047));
    expect(encodings.of(plain, 2_048)).not.toBe(encodings.of(plain));
  });

  test("formats with the same name share encodings, others have their own", () => {
    const encodings = new FrameEncodings();
    const plain = encodings.of(format("plain"));
    expect(encodings.of(format("plain"))).toBe(plain);
    const deflated = encodings.of(format("deflate15"));
    const names = [plain, deflated].flatMap(({ data, event }) => [data.name, event.name]);
    expect(new Set(names).size).toBe(4);
  });

  test("an event that passes through several views is framed once", () => {
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

test("an event that some views have and others lose is encoded once unchanged and once as removed", () => {
  const encodeText = vi.fn((body: string) => new TextEncoder().encode(body));
  const encoding = new FrameEncodings().of({ name: "counted", encodeText }).event;
  for (let view = 0; view < 60; view += 1)
    encoding.event(topic, view % 2 === 0 ? set : asRemoved(set));
  expect(encodeText).toHaveBeenCalledTimes(2);
});
