/** How far the server's clock is ahead of this browser's, and how precise that is. */
export interface ClockOffset {
  readonly offsetMs: number;
  /** The fastest round trip; the estimate is off by at most half of it. */
  readonly roundTripMs: number;
}

/**
 * Asks for the server's time a few times and keeps the fastest answer.
 *
 * @returns undefined if the server does not report its time
 */
export async function measureClock(
  url = "/demo/time",
  tries = 5,
): Promise<ClockOffset | undefined> {
  let best: ClockOffset | undefined;
  for (let left = tries; left > 0; left -= 1) {
    const measured = await askOnce(url);
    if (!measured) break;
    if (!best || measured.roundTripMs < best.roundTripMs) best = measured;
  }
  return best;
}

async function askOnce(url: string): Promise<ClockOffset | undefined> {
  try {
    const startedMs = Date.now();
    const started = performance.now();
    const response = await fetch(url, { cache: "no-store" });
    const roundTripMs = performance.now() - started;
    const answer = response.ok ? ((await response.json()) as { now?: unknown }) : {};
    if (typeof answer.now !== "number") return undefined;
    return { offsetMs: answer.now - (startedMs + roundTripMs / 2), roundTripMs };
  } catch {
    return undefined;
  }
}
