import { LongwireError, shown } from "../../../base/index.ts";
import type { ConnectedClient } from "../sessions/connected-client.ts";

/** Which connections are meant: those that all given members apply to. */
export interface ConnectionFilter {
  /** The connection's name, as in the context of its calls. */
  readonly connection?: string;
  /** The `id` of its identity. */
  readonly identity?: string;
  /** The `tokenId` of its identity. */
  readonly tokenId?: string;
  /** The client's address. */
  readonly address?: string;
  /** The name of the server that it is connected to. */
  readonly node?: string;
  /** A topic that it is subscribed to. */
  readonly topic?: string;
}

const MEMBERS: readonly (keyof ConnectionFilter)[] = [
  "connection",
  "identity",
  "tokenId",
  "address",
  "node",
  "topic",
];

/**
 * Checks a filter, because one with `undefined` in it would otherwise match everybody.
 *
 * @throws LongwireError `invalid_filter`
 */
export function checkFilter(filter: unknown): asserts filter is ConnectionFilter {
  const members = typeof filter === "object" && filter !== null ? Object.entries(filter) : [];
  if (members.length === 0) {
    const form = 'name whom you mean, such as { identity: "u-7" }';
    throw invalidFilter(`The filter is ${shown(filter)} without members; ${form}.`);
  }
  for (const [name, value] of members) {
    if (!MEMBERS.includes(name as keyof ConnectionFilter)) {
      throw invalidFilter(`The filter has ${shown(name)}; use ${MEMBERS.join(", ")}.`);
    }
    if (typeof value === "string" && value !== "") continue;
    throw invalidFilter(`${name} of the filter is ${shown(value)}; give a text, or leave it out.`);
  }
}

/** Whether a client of this server is meant. Clients without an identity can be meant as well. */
export function matches(
  { connection, identity, tokenId, address, node, topic }: ConnectionFilter,
  client: ConnectedClient,
  ownNode: string,
): boolean {
  const { caller } = client.who;
  return (
    (connection === undefined || connection === caller?.connection) &&
    (identity === undefined || identity === caller?.identity?.id) &&
    (tokenId === undefined || tokenId === caller?.identity?.tokenId) &&
    (address === undefined || address === client.who.address) &&
    (node === undefined || node === ownNode) &&
    (topic === undefined || client.follows(topic))
  );
}

function invalidFilter(message: string): LongwireError {
  return new LongwireError("invalid_filter", message);
}
