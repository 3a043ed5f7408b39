import { onTestFinished } from "vitest";
import type { WebSocket } from "../../../src/client/index.ts";
import type { ConnectOptions, Live } from "../../../src/live/client/index.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import type { Version } from "../../rigs/live/older-version.ts";
import type { RunningLive } from "../../rigs/live/running-live.ts";

export interface TestClient {
  readonly live: Live;
  /** One for each attempt to connect. */
  readonly sockets: readonly WebSocket[];
  /** Sends the next connections to this server. */
  direct(to: RunningLive): void;
  /** Ends the connection. */
  cut(): void;
}

/** A client of a version, which is closed at the end of the test. */
export function openClient(
  version: Version,
  at: RunningLive,
  options: ConnectOptions = {},
): TestClient {
  let target = at;
  const sockets: WebSocket[] = [];
  const live: Live = version.connect(at.url(), {
    webSocket: class extends version.WebSocket {
      constructor(_url: string, protocol: string) {
        super(target.url(), protocol);
        sockets.push(this);
      }
    },
    backoff: { firstMs: 20, longestMs: 100 },
    ...options,
  });
  onTestFinished(() => live.close());
  return {
    live,
    sockets,
    direct: (to) => void (target = to),
    cut: () => sockets.at(-1)!.close(),
  };
}

export async function untilLive({ live }: TestClient): Promise<void> {
  await eventually(() => live.status.state).toBe("live");
}

/** Resolves when the connection that was cut is replaced. */
export async function untilReplaced(client: TestClient, cut: () => unknown): Promise<void> {
  const before = client.sockets.length;
  await cut();
  await eventually(() => client.sockets.length).toBeGreaterThan(before);
  await untilLive(client);
}

/** The data of all events of a topic, from now on. */
export function dataOf({ live }: TestClient, topic: string): unknown[] {
  const all: unknown[] = [];
  const push = (item: object): void => void all.push((item as { data: unknown }).data);
  onTestFinished(live.topic(topic).subscribe(push));
  return all;
}

/** Follows a keyed topic, and returns a function that returns its entries. */
export function entriesOf({ live }: TestClient, topic: string): () => Record<string, unknown> {
  const feed = live.topic(topic);
  onTestFinished(feed.subscribe(() => {}));
  return () => Object.fromEntries(feed.entries);
}
