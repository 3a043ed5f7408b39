import { measureClock } from "../live/server-clock.ts";
import type { ClockOffset } from "../live/server-clock.ts";
import { numberOf } from "../live/devices/device-record.ts";
import { AgeSamples } from "./age-samples.ts";
import type { Figures, WayFigures } from "./conclusion.ts";
import { startLongPolling } from "./long-polling.ts";
import { startPolling } from "./polling.ts";
import { startServerSentEvents } from "./server-sent-events.ts";
import { wayIds } from "./way.ts";
import type { StartWay, WayId, WayWatcher } from "./way.ts";
import { startWebSocket } from "./web-socket.ts";
import { fetchWire, handshakeBytes, wireSince } from "./wire-figures.ts";
import type { WireCounts } from "./wire-figures.ts";

const starters: Record<WayId, StartWay> = {
  poll: startPolling,
  "long-poll": startLongPolling,
  sse: startServerSentEvents,
  websocket: startWebSocket,
};

class WayTally implements WayWatcher {
  samples: AgeSamples;
  requests = 0;
  errors = 0;
  frameBytes = 0;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.samples = new AgeSamples(nowMs());
  }

  onRecord(record: Record<string, unknown>): void {
    const at = numberOf(record["at"]);
    if (at !== undefined) this.samples.add(at, this.#nowMs());
  }

  onRequest(): void {
    this.requests += 1;
  }

  onError(): void {
    this.errors += 1;
  }

  onBytes(bytes: number): void {
    this.frameBytes += bytes;
  }
}

/** One simultaneous run of all four ways, for one device. */
export class Comparison {
  readonly startedMs: number = Date.now();
  readonly tallies: Readonly<Record<WayId, WayTally>>;
  clock: ClockOffset | undefined;
  readonly #meterIds: Readonly<Record<WayId, string>>;
  #wireBefore: WireCounts | undefined;
  #wire: WireCounts | undefined;
  #stops: (() => void)[] = [];
  #ended = false;
  /** When the figures were frozen. */
  #endedMs: number | undefined;
  hasStarted = false;

  constructor() {
    const run = Math.random().toString(36).slice(2, 10);
    // Only fetch can send a header; the server identifies the other two by their type.
    const ids = { poll: `poll-${run}`, "long-poll": `long-poll-${run}` };
    this.#meterIds = { ...ids, sse: "sse", websocket: "websocket" };
    const tally = (): WayTally => new WayTally(() => this.serverNowMs());
    this.tallies = { poll: tally(), "long-poll": tally(), sse: tally(), websocket: tally() };
  }

  serverNowMs(nowMs: number = Date.now()): number {
    return nowMs + (this.clock?.offsetMs ?? 0);
  }

  async start(name: string): Promise<void> {
    [this.clock, this.#wireBefore] = await Promise.all([measureClock(), fetchWire()]);
    if (this.#ended) return;
    this.hasStarted = true;
    for (const id of wayIds) this.tallies[id].samples = new AgeSamples(this.serverNowMs());
    this.#stops = wayIds.map((id) =>
      starters[id]({ name, meterId: this.#meterIds[id], watcher: this.tallies[id] }),
    );
  }

  stop(): void {
    this.#ended = true;
    this.#endedMs ??= this.serverNowMs();
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  /** Fetches the server's counts and returns all current figures. */
  async read(): Promise<Figures> {
    this.#wire = (await fetchWire()) ?? this.#wire;
    return this.figures();
  }

  figures(): Figures {
    const entries = wayIds.map((id) => [id, this.#figuresOf(id)] as const);
    return Object.fromEntries(entries) as Record<WayId, WayFigures>;
  }

  #figuresOf(id: WayId): WayFigures {
    const { samples, requests, errors, frameBytes } = this.tallies[id];
    const meter = this.#meterIds[id];
    const wire = wireSince(this.#wire?.[meter], this.#wireBefore?.[meter]);
    const handshakes = requests * (handshakeBytes(this.#wire?.["websocket"]) ?? 0);
    const wireBytes = wire && wire.bytesIn + wire.bytesOut;
    return {
      medianAgeMs: samples.quantile(0.5),
      worstAgeMs: samples.quantile(0.95),
      shownAgeMs: samples.shownAge(this.#endedMs ?? this.serverNowMs()),
      reports: samples.reports,
      requests,
      errors,
      bytes: id === "websocket" ? frameBytes + handshakes : wireBytes,
      cpuMicros: wire?.cpuMicros,
    };
  }
}
