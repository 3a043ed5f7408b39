import type { WsRecord } from "../ws-real-data.ts";
import { recordsOf, topicPath } from "./way.ts";
import type { WayOptions } from "./way.ts";

/** (c) One request with an endless answer; the browser reconnects automatically when it breaks. */
export function startServerSentEvents({ name, watcher }: WayOptions): () => void {
  const source = new EventSource(`${topicPath}?name=${encodeURIComponent(name)}`);
  watcher.onRequest();
  let opened = 0;
  source.onopen = () => {
    opened += 1;
    if (opened > 1) watcher.onRequest();
  };
  source.onerror = () => watcher.onError();
  source.onmessage = (event) => {
    for (const record of recordsOfMessage(String(event.data))) watcher.onRecord(record);
  };
  return () => source.close();
}

/** The records in a Level 1 message: a snapshot has several, an event has one or a removal. */
export function recordsOfMessage(text: string): WsRecord[] {
  try {
    const message = JSON.parse(text) as { type?: unknown };
    if (message.type === "snapshot") return recordsOf(message);
    return message.type === "event" ? recordsOf({ events: [message] }) : [];
  } catch {
    return [];
  }
}
