import type { WsRecord } from "../ws-real-data.ts";

/** The four ways to get the same data, oldest first. */
export const wayIds = ["poll", "long-poll", "sse", "websocket"] as const;
export type WayId = (typeof wayIds)[number];

/** Receives what a way reports while it runs. */
export interface WayWatcher {
  onRecord(record: WsRecord): void;
  onRequest(): void;
  onError(): void;
  /** Only the WebSocket way can count its own bytes. */
  onBytes(bytes: number): void;
}

export interface WayOptions {
  /** The device's name. */
  readonly name: string;
  /** Sent as `X-Meter`, so that the server counts this page's requests separately. */
  readonly meterId: string;
  readonly watcher: WayWatcher;
}

/** Starts a way; the returned function stops it. */
export type StartWay = (options: WayOptions) => () => void;

export const topicPath = "/live/devices";

/** The records in an HTTP answer, without removals. */
export function recordsOf(answer: unknown): WsRecord[] {
  const { entries, events } = answer as { entries?: unknown; events?: unknown };
  const list = Array.isArray(entries) ? entries : Array.isArray(events) ? events : [];
  return list.flatMap((entry: { data?: unknown }) =>
    typeof entry?.data === "object" && entry.data !== null ? [entry.data as WsRecord] : [],
  );
}

/** Waits; ends early when the way is stopped. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
