/** The counters of the server for one meter id. */
export interface WireCount {
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly cpuMicros?: number;
}

export type WireCounts = Readonly<Record<string, WireCount>>;

/** Fetches the server's counts; undefined if the server does not offer them. */
export async function fetchWire(url = "/demo/wire"): Promise<WireCounts | undefined> {
  try {
    const response = await fetch(url, { cache: "no-store" });
    return response.ok ? wireCountsOf(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}

/** Keeps well-formed counts and drops the rest. */
export function wireCountsOf(answer: unknown): WireCounts {
  const found: Record<string, WireCount> = {};
  if (typeof answer !== "object" || answer === null) return found;
  for (const [id, value] of Object.entries(answer as Record<string, unknown>)) {
    const { requests, bytesIn, bytesOut, cpuMicros } = (value ?? {}) as Record<string, unknown>;
    if (!isCount(requests) || !isCount(bytesIn) || !isCount(bytesOut)) continue;
    found[id] = { requests, bytesIn, bytesOut, ...(isCount(cpuMicros) ? { cpuMicros } : {}) };
  }
  return found;
}

/** The difference to an earlier count, for ids that several runs share. */
export function wireSince(
  now: WireCount | undefined,
  before: WireCount | undefined,
): WireCount | undefined {
  if (!now) return undefined;
  const cpu = now.cpuMicros;
  return {
    requests: now.requests - (before?.requests ?? 0),
    bytesIn: now.bytesIn - (before?.bytesIn ?? 0),
    bytesOut: now.bytesOut - (before?.bytesOut ?? 0),
    ...(cpu === undefined ? {} : { cpuMicros: cpu - (before?.cpuMicros ?? 0) }),
  };
}

/** The average bytes of one handshake in both directions, as counted by the server. */
export function handshakeBytes(count: WireCount | undefined): number | undefined {
  if (!count || count.requests === 0) return undefined;
  return (count.bytesIn + count.bytesOut) / count.requests;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
