import { LongwireError, shown } from "../../../base/index.ts";
import { LiveCloseCode } from "../../wire/close-code.ts";
import { type ConnectionInfo, CONNECTIONS } from "../../system-topics.ts";
import type { LiveCore } from "../sessions/session.ts";
import { checkFilter, type ConnectionFilter } from "./connection-filter.ts";
import type { Revoked } from "./revocations.ts";

/** A connection that was found; its members are those of `$connections`. */
export interface FoundConnection extends ConnectionInfo {
  /** Its name, as in the context of a call. */
  readonly connection: string;
}

export interface DisconnectOptions {
  /**
   * Whether the clients may reconnect. Default true. If not, a browser's page is told that it is
   * final, and Longwire's client stops.
   */
  retry?: boolean;
  /** The message for the client. */
  reason?: string;
  /**
   * The close code. Default 1012 with `retry`, otherwise 4403. Codes from 4400 to 4499 are final for
   * clients, so they need `retry: false`, and the other way round.
   */
  code?: number;
}

export interface RevokeOptions {
  /** The message for anyone who uses the credentials. */
  reason?: string;
}

/**
 * The connections of all servers with this broker, for commands. A command also reaches streams of
 * server-sent events and long polls. It is carried out on this server at once, and on the others when
 * they read it from the broker; a client that connects later is not affected.
 */
export class Connections {
  readonly #core: LiveCore;

  constructor(core: LiveCore) {
    this.#core = core;
  }

  /**
   * Returns the connections that a filter applies to, as this server knows them now. `$connections`
   * has neither `tokenId` nor `topic`.
   *
   * @throws LongwireError `invalid_filter`; `unknown_topic` unless `connectionsTopic()` is among the
   *   declared topics
   */
  find(filter: Omit<ConnectionFilter, "tokenId" | "topic">): FoundConnection[] {
    checkFilter(filter);
    const topic = this.#core.catalog.get(CONNECTIONS);
    if (topic === undefined) {
      const message = "There is no topic $connections; add connectionsTopic() to topics.";
      throw new LongwireError("unknown_topic", message);
    }
    const wanted = Object.entries(filter);
    const hidden = wanted.find(([name]) => name === "tokenId" || name === "topic");
    if (hidden !== undefined) {
      const message = `find cannot filter by ${hidden[0]}; use connection, identity, address or node.`;
      throw new LongwireError("invalid_filter", message);
    }
    const found: FoundConnection[] = [];
    for (const { key = "", data } of topic.events()) {
      const connection = { ...(data as ConnectionInfo), connection: key };
      const isWanted = wanted.every(
        ([name, value]) => connection[name as keyof FoundConnection] === value,
      );
      if (isWanted) found.push(connection);
    }
    return found;
  }

  /**
   * Closes connections: those of this server at once, those of the others when they read it from the
   * broker. Resolves when the broker has it.
   *
   * @throws LongwireError `invalid_filter`, `invalid_option`, and LiveError `unavailable` if the other
   *   servers cannot be told, as a rejection
   */
  async disconnect(filter: ConnectionFilter, options: DisconnectOptions = {}): Promise<void> {
    checkFilter(filter);
    const { retry = true, reason = "The connection was closed by the server." } = options;
    const usual = retry ? LiveCloseCode.Restarting : LiveCloseCode.Forbidden;
    const { code = usual } = options;
    checkCode(code, retry);
    const order = { kind: "disconnect", filter, code, message: reason, retry } as const;
    // Only a crowd has to be spread.
    await this.#core.orders.give({ ...order, retryAfterMs: 0 });
  }

  /**
   * Ends subscriptions to a topic; a client of Level 1 receives `unsubscribed` with `forbidden`. If it
   * subscribes again, `authorize` decides.
   *
   * @throws LongwireError `invalid_filter`, and LiveError `unavailable`, as a rejection
   */
  async unsubscribe(filter: ConnectionFilter, topic: string): Promise<void> {
    checkFilter(filter);
    if (typeof topic !== "string" || topic === "") {
      const message = `The topic is ${shown(topic)}; give the name of a topic.`;
      throw new LongwireError("invalid_filter", message);
    }
    await this.#core.orders.give({ kind: "unsubscribe", filter, topic });
  }

  /**
   * Asks `authorize` again for all that connections are subscribed to and offer, and ends what is not
   * allowed any more.
   *
   * @throws LongwireError `invalid_filter`, and LiveError `unavailable`, as a rejection
   */
  async recheck(filter: ConnectionFilter): Promise<void> {
    checkFilter(filter);
    await this.#core.orders.give({ kind: "recheck", filter });
  }

  /**
   * Refuses the credentials of an identity, or one token, until they would have expired anyway, and
   * closes their connections with 4401. The servers remember it in the broker.
   *
   * @param until in ms since the Unix epoch
   * @throws LongwireError `invalid_filter`, `invalid_limit`, and LiveError `unavailable` if the other
   *   servers cannot be told, or `too_large` beyond a million revocations, as a rejection; this server
   *   has done it in both cases
   */
  async revoke(revoked: Revoked, until: number, options: RevokeOptions = {}): Promise<void> {
    const { reason = "The credentials were revoked; sign in again." } = options;
    await this.#core.revocations.add(revoked, { until, message: reason });
  }
}

/** @throws LongwireError `invalid_option` */
function checkCode(code: unknown, retry: boolean): void {
  const isCode = Number.isInteger(code);
  const number = code as number;
  const isFinal = isCode && number >= 4_400 && number < 4_500;
  const isPassing =
    code === LiveCloseCode.Restarting || (isCode && !isFinal && number >= 3_000 && number < 5_000);
  if (retry ? isPassing : isFinal) return;
  const form = retry ? "1012, 3000 to 4399 or 4500 to 4999" : "4400 to 4499";
  const message = `code is ${shown(code)} with retry: ${retry}; use ${form}, or leave it out.`;
  throw new LongwireError("invalid_option", message);
}
