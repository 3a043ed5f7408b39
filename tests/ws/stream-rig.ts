import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";
import { createWebSocketStream, type WebSocket } from "../rigs/ws/implementation.ts";
import { openPair, turns, until } from "../rigs/ws/rig.ts";

/** Records a stream's events. */
export function watch(duplex: Duplex): string[] {
  const seen: string[] = [];
  for (const event of ["finish", "end", "close"]) duplex.on(event, () => seen.push(event));
  duplex.on("error", (error: Error) => seen.push(`error ${error.message}`));
  onTestFinished(() => void duplex.destroy());
  return seen;
}

/** Returns a stream over the client of an open pair. */
export async function openStream(
  options?: ConstructorParameters<typeof Duplex>[0],
  clientOptions = {},
): Promise<{ duplex: Duplex; client: WebSocket; peer: WebSocket; seen: string[] }> {
  const { client, peer } = await openPair({}, clientOptions);
  const duplex = createWebSocketStream(client, options);
  return { duplex, client, peer, seen: watch(duplex) };
}

/** Returns all events of a watched stream, once it has closed. */
export const whenClosed = async (seen: string[]): Promise<string[]> => {
  await until(() => seen.includes("close"));
  await turns(2);
  return seen;
};
