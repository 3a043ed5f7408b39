import { joined } from "../joined.ts";
import type { Encoding, StatePage, TopicAddress } from "../encoding.ts";
import { formatPosition } from "../position.ts";
import type { TopicEvent } from "../topic-event.ts";

/** Level 0: an event's data and nothing around it. */
export function dataText(event: TopicEvent): string {
  return event.removed ? `{"removed":${JSON.stringify(event.key)}}` : event.json;
}

/** Level 1: an `event` message. It carries nothing of the subscriber, so one serves all. */
export function eventText(topic: TopicAddress, event: TopicEvent): string {
  const name = JSON.stringify(topic.name);
  return `{"type":"event","topic":${name},"offset":${event.offset},${contentText(event)}}`;
}

/** Level 1: a `snapshot` message. */
export function snapshotText(topic: TopicAddress, page: StatePage): string {
  const name = JSON.stringify(topic.name);
  const epoch = JSON.stringify(topic.epoch);
  const state = `"complete":${page.complete},"more":${page.more}`;
  return `{"type":"snapshot","topic":${name},"epoch":${epoch},"offset":${page.offset},"entries":${entriesText(page.entries)},${state}}`;
}

/** A JSON array of entries, or of a log topic's events. */
export function entriesText(entries: readonly TopicEvent[]): string {
  const parts = entries.map((entry) => {
    const content = contentText(entry);
    return `{"offset":${entry.offset},${content}}`;
  });
  return `[${parts.join(",")}]`;
}

function contentText(event: TopicEvent): string {
  const key = event.key === undefined ? "" : `"key":${JSON.stringify(event.key)},`;
  return event.removed ? `${key}"removed":true` : `${key}"data":${event.json}`;
}

/**
 * The two encodings that go over WebSocket.
 *
 * @param frame makes a frame of a text message; its memory may serve again for the next one
 */
export function frameEncodings(frame: (text: string) => Uint8Array): {
  data: Encoding;
  event: Encoding;
} {
  return {
    data: {
      name: "data",
      event: (_topic, event) => frame(dataText(event)),
      page: (_topic, page) => joined(page.entries, (entry) => frame(dataText(entry))),
    },
    event: {
      name: "event",
      event: (topic, event) => frame(eventText(topic, event)),
      // An empty page says something: that the state is complete, or that nothing changed.
      page: (topic, page) => new Uint8Array(frame(snapshotText(topic, page))),
    },
  };
}

/** Server-sent events: a Level 1 message each, with the position to resume from as its id. */
export const eventStreamEncoding: Encoding = {
  name: "event-stream",
  event: (topic, event) => streamItem(topic, event.offset, eventText(topic, event)),
  page: (topic, page) => {
    // Only behind the last page is there a position that can be resumed from.
    const text = snapshotText(topic, page);
    return page.more ? Buffer.from(`data: ${text}\n\n`) : streamItem(topic, page.offset, text);
  },
};

function streamItem({ epoch }: TopicAddress, offset: number, text: string): Uint8Array {
  return Buffer.from(`id: ${formatPosition({ epoch, offset })}\ndata: ${text}\n\n`);
}
