import { pause, recordsOf, topicPath } from "./way.ts";
import type { WayOptions } from "./way.ts";

export const pollEveryMs = 2_000;

/** (a) A request every two seconds. */
export function startPolling(options: WayOptions): () => void {
  const stop = new AbortController();
  void poll(options, stop.signal);
  return () => stop.abort();
}

async function poll({ name, meterId, watcher }: WayOptions, signal: AbortSignal): Promise<void> {
  const url = `${topicPath}?name=${encodeURIComponent(name)}`;
  while (!signal.aborted) {
    const next = pause(pollEveryMs, signal);
    try {
      watcher.onRequest();
      const headers = { "X-Meter": meterId };
      const response = await fetch(url, { cache: "no-store", headers, signal });
      if (!response.ok) throw new Error(`status ${response.status}`);
      for (const record of recordsOf(await response.json())) watcher.onRecord(record);
    } catch {
      if (!signal.aborted) watcher.onError();
    }
    await next;
  }
}
