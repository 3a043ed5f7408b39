import type { Askable, AskedClient, OutgoingRequest } from "./asked-client.ts";
import type { Offering, OfferDirectory } from "./offer-directory.ts";
import type { Offers } from "./offers.ts";
import type { RemoteAsks } from "./remote-asks.ts";
import type { FollowersInquiry, RemoteFollowers } from "./remote-followers.ts";

interface ClusterParts {
  /** Of this server's own clients. */
  readonly offers: Offers;
  readonly directory: OfferDirectory;
  readonly asks: RemoteAsks;
  readonly followers: RemoteFollowers;
}

/** The clients of the whole cluster that can be asked. */
export class ClusterClients {
  readonly #parts: ClusterParts;

  constructor(parts: ClusterParts) {
    this.#parts = parts;
  }

  /** Returns the connection of the identity that offered the method last. */
  ofIdentity(identity: string, method: string): Askable | undefined {
    const { offers, directory } = this.#parts;
    const own = offers.ofIdentity(identity, method);
    // An offer that is not in the log yet is newer than all that are.
    if (own !== undefined && !directory.has(own.caller!.connection)) return own;
    return this.#clientOf(directory.ofIdentity(identity, method)) ?? own;
  }

  ofConnection(connection: string, method: string): Askable | undefined {
    const { offers, directory } = this.#parts;
    const own = offers.ofConnection(connection, method);
    return own ?? this.#clientOf(directory.ofConnection(connection, method));
  }

  /**
   * Returns the client of this server that gets the identity's commands; `undefined` if it is elsewhere
   * or away.
   */
  ownNewest(identity: string, method: string): AskedClient | undefined {
    const { offers, directory } = this.#parts;
    const own = offers.ofIdentity(identity, method);
    if (own?.run === undefined) return undefined;
    const newest = directory.ofIdentity(identity, method);
    const isAnnounced = directory.has(own.caller!.connection);
    return !isAnnounced || newest === undefined || directory.isOwn(newest) ? own : undefined;
  }

  /** Whether a client of this server offers anything under this identity. */
  isHere(identity: string): boolean {
    return this.#parts.offers.hasIdentity(identity);
  }

  /** Whether a connection that has offered anything is open, on any server. */
  isConnected(connection: string): boolean {
    return this.#parts.directory.has(connection);
  }

  /**
   * Asks all followers of a topic on other nodes.
   *
   * @returns a function that ends the wait
   */
  askFollowersElsewhere(
    topic: string,
    request: Omit<OutgoingRequest, "signal">,
    inquiry: FollowersInquiry,
  ): () => void {
    const nodes = this.#parts.directory.othersOffering(request.method);
    if (nodes.size > 0) return this.#parts.followers.ask(nodes, topic, request, inquiry);
    inquiry.onEnd();
    return () => {};
  }

  /** The log's entries of this node's own clients may be outdated. */
  #clientOf(offering: Offering | undefined): Askable | undefined {
    if (offering === undefined || this.#parts.directory.isOwn(offering)) return undefined;
    return this.#parts.asks.clientOf(offering);
  }
}
