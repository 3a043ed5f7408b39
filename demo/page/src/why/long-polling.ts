import { pause, recordsOf, topicPath } from "./way.ts";
import type { WayOptions } from "./way.ts";

const waitSeconds = 30;
const afterErrorMs = 2_000;

interface Position {
  readonly epoch: string;
  readonly offset: number;
}

/** (b) A request that the server holds until there is an event, followed by the next request. */
export function startLongPolling(options: WayOptions): () => void {
  const stop = new AbortController();
  void longPoll(options, stop.signal);
  return () => stop.abort();
}

async function longPoll(options: WayOptions, signal: AbortSignal): Promise<void> {
  let position: Position | undefined;
  while (!signal.aborted) {
    try {
      position = await ask(options, position, signal);
    } catch {
      if (signal.aborted) return;
      options.watcher.onError();
      position = undefined;
      await pause(afterErrorMs, signal);
    }
  }
}

/** Sends one request; resolves with the position after which the next one waits. */
async function ask(
  { name, meterId, watcher }: WayOptions,
  position: Position | undefined,
  signal: AbortSignal,
): Promise<Position | undefined> {
  const query = new URLSearchParams({ name });
  if (position) {
    query.set("wait", String(waitSeconds));
    query.set("epoch", position.epoch);
    query.set("offset", String(position.offset));
  }
  watcher.onRequest();
  const headers = { "X-Meter": meterId };
  const response = await fetch(`${topicPath}?${query}`, { cache: "no-store", headers, signal });
  if (response.status === 304) return position;
  if (!response.ok) throw new Error(`status ${response.status}`);
  const answer = (await response.json()) as { epoch?: unknown; offset?: unknown };
  for (const record of recordsOf(answer)) watcher.onRecord(record);
  const { epoch, offset } = answer;
  if (typeof epoch !== "string" || typeof offset !== "number") throw new Error("no position");
  // If a server repeats the same position, wait, so that it is not asked in a tight loop.
  if (position?.epoch === epoch && position.offset === offset) await pause(250, signal);
  return { epoch, offset };
}
