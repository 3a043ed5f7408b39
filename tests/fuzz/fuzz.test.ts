import { afterAll, beforeAll, expect, test } from "vitest";
import { afterReports, strayErrors } from "../rigs/measuring/stray-errors.ts";
import { heldBytes } from "../rigs/measuring/heap.ts";
import { fuzz, type Tally } from "./fuzz.ts";
import { LiveServer } from "./live-server.ts";

/**
 * `LONGWIRE_SEED=7` replays one run; `LONGWIRE_SECONDS=60` makes as many runs as fit, starting with
 * `LONGWIRE_FIRST`.
 */
const { LONGWIRE_SEED, LONGWIRE_SECONDS, LONGWIRE_FIRST = "1" } = process.env;
const first = Number(LONGWIRE_SEED ?? LONGWIRE_FIRST);
const seconds = Number(LONGWIRE_SECONDS ?? 0);
const FIXED_SEEDS = 400;
/** After this many runs, contexts, blocks and compiled code exist. */
const WARM_UP = 100;
/** A run that takes longer hangs. */
const HANG_MS = 15_000;
const MOST_LEAKED_BYTES = 16 * 1024 * 1024;

const server = new LiveServer();
beforeAll(() => server.start());
afterAll(() => server.stop());

/** Yields the requested seeds. */
function* seeds(): Generator<number> {
  if (LONGWIRE_SEED !== undefined) return yield first;
  const end = performance.now() + seconds * 1000;
  for (let seed = first; ; seed += 1) {
    const isOver = seconds > 0 ? performance.now() > end : seed >= first + FIXED_SEEDS;
    if (isOver) return;
    yield seed;
  }
}

async function unlessItHangs(run: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it hangs")), HANG_MS);
  });
  await Promise.race([run, hang]).finally(() => clearTimeout(timer));
}

test(
  "every stream is read as by ws, except for known differences, and nothing throws or leaks",
  { timeout: 60_000 + seconds * 2_000 },
  async () => {
    const errors = strayErrors();
    const tally: Tally = new Map();
    let count = 0;
    let warm = 0;
    for (const seed of seeds()) {
      await unlessItHangs(fuzz(seed, server, tally)).catch((cause: unknown) => {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`seed ${seed}: ${message} (npm run fuzz -- --seed ${seed})`, { cause });
      });
      if (errors.length > 0) throw new Error(`seed ${seed} escaped`, { cause: errors[0] });
      count += 1;
      if (count === WARM_UP) warm = await heldBytes();
    }
    await afterReports();
    expect(errors).toEqual([]);
    if (seconds > 0) console.log(`${count} streams from seed ${first}:`, Object.fromEntries(tally));
    if (LONGWIRE_SEED !== undefined || count <= WARM_UP) return;
    expect((await heldBytes()) - warm).toBeLessThan(MOST_LEAKED_BYTES);
    // A run in which everything is rejected, or everything accepted, would pass, too.
    for (const name of ["accepted", "reserved_bits", "invalid_utf8", "invalid_deflate"]) {
      expect(tally.get(name), name).toBeGreaterThan(5);
    }
  },
);
