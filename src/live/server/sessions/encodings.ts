import {
  type Encoding,
  formatPosition,
  type StatePage,
  type TopicAddress,
  type TopicEvent,
} from "../../../topics/index.ts";
import { exceedsBytes, joined } from "../../../base/index.ts";
import type { FrameFormat } from "../live-peer.ts";
import type { SessionEncodings } from "./session.ts";

const encoder = new TextEncoder();

/** Level 0: an event's data and nothing else. */
export function dataText(event: TopicEvent): string {
  return event.removed ? `{"removed":${JSON.stringify(event.key)}}` : event.json;
}

/** Level 1: an `event` message. It contains nothing about the subscriber, so all share it. */
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

/** Serializes entries as a JSON array. */
function entriesText(entries: readonly TopicEvent[]): string {
  return `[${entries.map(entryText).join(",")}]`;
}

/** Serializes an entry of a state or an event of a log topic as JSON. */
export function entryText(entry: TopicEvent): string {
  return `{"offset":${entry.offset},${contentText(entry)}}`;
}

function contentText(event: TopicEvent): string {
  const key = event.key === undefined ? "" : `"key":${JSON.stringify(event.key)},`;
  return event.removed ? `${key}"removed":true` : `${key}"data":${event.json}`;
}

/** The encodings for WebSocket, per frame format. */
export class FrameEncodings {
  readonly #byName = new Map<string, SessionEncodings>();

  /**
   * Returns the encodings of a format. Peers whose formats have the same name share them, and so
   * share lanes and pages.
   *
   * @param maxBytes the longest message that the client accepts; rounded down to a power of two to
   *   keep the number of encodings small
   */
  of(format: FrameFormat, maxBytes: number = Infinity): SessionEncodings {
    const most = maxBytes === Infinity ? Infinity : 2 ** Math.floor(Math.log2(maxBytes));
    const name = most === Infinity ? format.name : `${format.name}<=${most}`;
    let encodings = this.#byName.get(name);
    if (encodings === undefined) {
      encodings = frameEncodings(format, name, most);
      this.#byName.set(name, encodings);
    }
    return encodings;
  }
}

function frameEncodings(format: FrameFormat, name: string, maxBytes: number): SessionEncodings {
  const framed = (text: string): Uint8Array | undefined =>
    exceedsBytes(text, maxBytes) ? undefined : format.encodeText(text);
  return {
    data: {
      name: `data+${name}`,
      event: once((_topic, event) => framed(dataText(event))),
      page: (_topic, page) => joined(page.entries, (entry) => framed(dataText(entry))),
    },
    event: {
      name: `event+${name}`,
      event: once((topic, event) => framed(eventText(topic, event))),
      // An empty page is sent too: it means that the state is complete, or that nothing changed.
      page: (topic, page) => framed(snapshotText(topic, page)),
    },
  };
}

/**
 * Caches the last frame, and the last one of a removal: an event passes through all views of its
 * topic in turn, and most views need one of the two.
 */
function once(encode: Encoding["event"]): Encoding["event"] {
  let last: LastFrame | undefined;
  let lastRemoval: LastFrame | undefined;
  return (topic, event) => {
    const known = event.removed ? lastRemoval : last;
    if (known?.event === event && known.topic === topic.name) return known.frame;
    const made = { topic: topic.name, event, frame: encode(topic, event) };
    if (event.removed) lastRemoval = made;
    else last = made;
    return made.frame;
  };
}

interface LastFrame {
  readonly topic: string;
  readonly event: TopicEvent;
  readonly frame: Uint8Array | undefined;
}

/** Server-sent events: one Level 1 message each, with the position to resume from as its id. */
export const eventStreamEncoding: Encoding = {
  name: "event-stream",
  event: once((topic, event) => streamItem(topic, event.offset, eventText(topic, event))),
  page: (topic, page) => {
    // Only the last page has a position that can be resumed from.
    const text = snapshotText(topic, page);
    return page.more ? encoder.encode(`data: ${text}\n\n`) : streamItem(topic, page.offset, text);
  },
};

function streamItem({ epoch }: TopicAddress, offset: number, text: string): Uint8Array {
  return encoder.encode(`id: ${formatPosition({ epoch, offset })}\ndata: ${text}\n\n`);
}
