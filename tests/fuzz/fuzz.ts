import { Random } from "../rigs/random.ts";
import { joinBytes } from "../rigs/protocol/masked-frame.ts";
import { randomChunks, randomPieces, type StreamKind } from "./byte-streams.ts";
import { fuzzHandshakes } from "./handshakes.ts";
import { compare } from "./known-differences.ts";
import type { LiveServer } from "./live-server.ts";
import { contextBytes, readWithConnection } from "./read-with-connection.ts";
import { readWithWs } from "./read-with-ws.ts";
import type { Reading, Received } from "./reading.ts";

/** The number of occurrences, by name. */
export type Tally = Map<string, number>;

interface Case extends StreamKind {
  pieces: Uint8Array[];
  seed: number;
}

/** How often a stream is also sent over a socket, together with a possibly invalid handshake. */
const LIVE_EVERY = 4;

/**
 * Reads one random stream with a connection, with the package `ws`, and over a socket.
 *
 * @throws Error with the difference and the shortest stream that was found to have it
 */
export async function fuzz(seed: number, server: LiveServer, tally: Tally): Promise<void> {
  const random = new Random(seed);
  fuzzHandshakes(random);
  const receiver = random.pick(["server", "client"] as const);
  const agreed = random.pick(["plain", "fresh", "kept"] as const);
  const one: Case = { receiver, agreed, seed, pieces: [] };
  one.pieces = randomPieces(random, one);
  const wrong = await difference(one, tally);
  if (wrong !== undefined) throw new Error(await shrunk(one, wrong));
  if (seed % LIVE_EVERY !== 0) return;
  await server.receiveAny(random);
  if (receiver === "server") await readLive(one, server);
}

/** Returns the difference in how a stream is read, if there is one. */
async function difference(one: Case, tally: Tally = new Map()): Promise<string | undefined> {
  const random = new Random(one.seed);
  const wire = joinBytes(one.pieces);
  try {
    const whole = await readWithConnection({ ...one, chunks: [wire.slice()], pausing: undefined });
    const chunks = randomChunks(random, wire);
    const pausing = random.chance(0.5) ? random : undefined;
    const cut = await readWithConnection({ ...one, chunks, pausing });
    if (contextBytes() !== 0) return `${contextBytes()} bytes of contexts were not released`;
    if (!isSame(whole, cut)) return `in pieces ${shown(cut)}, whole ${shown(whole)}`;
    const { known, unknown } = compare(cut, await readWithWs(one, randomChunks(random, wire)));
    const name = known ?? whole.failure?.code ?? "accepted";
    tally.set(name, (tally.get(name) ?? 0) + 1);
    return unknown;
  } catch (error) {
    return String(error);
  }
}

async function readLive(one: Case, server: LiveServer): Promise<void> {
  const wire = joinBytes(one.pieces);
  const { received } = await readWithConnection({
    ...one,
    chunks: [wire.slice()],
    pausing: undefined,
  });
  const expected = received.filter(({ kind }) => kind !== "close");
  const chunks = randomChunks(new Random(one.seed), wire);
  const live: Received[] = await server.read(one.agreed, chunks);
  if (JSON.stringify(live) === JSON.stringify(expected)) return;
  throw new Error(`over a socket ${live.length} events arrived, and ${expected.length} otherwise`);
}

/** Removes everything that the failure does not need. */
async function shrunk(one: Case, wrong: string): Promise<string> {
  let { pieces } = one;
  let last = wrong;
  for (let at = 0; at < pieces.length;) {
    const fewer = pieces.filter((_, index) => index !== at);
    const still = await difference({ ...one, pieces: fewer });
    if (still === undefined) {
      at += 1;
    } else {
      pieces = fewer;
      last = still;
    }
  }
  const hex = Buffer.from(joinBytes(pieces)).toString("hex").slice(0, 2_000);
  return `${last}; to a ${one.receiver}, ${one.agreed}, shrunk: ${hex}`;
}

function isSame(one: Reading, other: Reading): boolean {
  return shown(one) === shown(other);
}

function shown({ received, failure }: Reading): string {
  return JSON.stringify({ received, failure }).slice(0, 100_000);
}
