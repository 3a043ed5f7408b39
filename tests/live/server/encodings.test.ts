import { describe, expect, test } from "vitest";
import { eventOf } from "../../../src/live/index.ts";
import {
  dataText,
  entriesText,
  eventStreamEncoding,
  eventText,
  frameEncodings,
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
    expect(JSON.parse(entriesText([logged]))).toEqual([{ offset: 7, data: [1] }]);
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

test("a page of frames is right also when the frames are lent, each until the next one is made", () => {
  const scratch = Buffer.alloc(64);
  const { data, event } = frameEncodings((text) => scratch.subarray(0, scratch.write(`${text}\n`)));
  const two = { ...page, entries: [set, removed] };
  expect(text(data.page(topic, two))).toBe('{"n":1}\n{"removed":"gone"}\n');
  const kept = event.page({ name: "t", epoch: "e" }, { ...page, entries: [] });
  const before = text(kept);
  event.event(topic, removed);
  expect(text(kept)).toBe(before);
});
