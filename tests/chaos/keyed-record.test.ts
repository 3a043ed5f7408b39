import { expect, test } from "vitest";
import { type TopicEvent } from "../../src/live/index.ts";
import { eventOf } from "../../src/topics/index.ts";
import { KeyedRecord } from "./keyed-record.ts";
import { ViewWitness } from "./view-witness.ts";

const epoch = "epoch";

function event(offset: number, key: string): TopicEvent {
  return eventOf({ key, data: offset }, offset, 0);
}

/** Two events are reported, then the node ends. */
function recordOfTwo(): KeyedRecord {
  const record = new KeyedRecord();
  record.open({ epoch, offset: 0 }, []);
  record.add(event(1, "a"));
  record.add(event(2, "b"));
  return record;
}

test("a view is unknown if an event was replaced before it was reported", () => {
  const record = recordOfTwo();
  // The event 4 set "a", too.
  record.open({ epoch, offset: 5 }, [event(2, "b"), event(3, "c"), event(5, "a")]);
  const witness = new ViewWitness();
  const views: Record<number, [string, number][]> = {
    0: [],
    3: [
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ],
    4: [
      ["a", 4],
      ["b", 2],
      ["c", 3],
    ],
    5: [
      ["a", 5],
      ["b", 2],
      ["c", 3],
    ],
  };
  for (const [offset, view] of Object.entries(views)) {
    witness.see({ epoch, offset: Number(offset) }, view);
  }
  expect(witness.check(record)).toEqual({ compared: 3, wrong: 0, unknown: 1 });
});

test.each([
  ["an event that was reported is gone", { epoch, offset: 2 }, [event(1, "a")]],
  ["the offset has gone back", { epoch, offset: 1 }, [event(1, "a")]],
  ["the epoch has changed", { epoch: "other", offset: 2 }, [event(1, "a"), event(2, "b")]],
])("a record fails when the topic is opened again and %s", (_, position, told) => {
  const record = recordOfTwo();
  record.open(position, told);
  expect(() => [...record.states()]).toThrow("does not continue offset 2");
});
