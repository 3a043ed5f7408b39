import { type Clock, LongwireError, shown, wallTimeOf } from "../../../base/index.ts";
import {
  type Catalog,
  keyedTopic,
  LiveError,
  MAX_KEY_LENGTH,
  type Topic,
  type TopicEvent,
} from "../../../topics/index.ts";
import type { Identity } from "../access/credentials.ts";
import { LiveCloseCode } from "../../wire/close-code.ts";
import type { Order } from "./orders.ts";

/** The identity or the token that is revoked. */
export type Revoked = { readonly identity: string } | { readonly tokenId: string };

/** A revocation, as the log has it. */
type Revocation = Revoked & {
  /** In ms since the Unix epoch. */
  readonly until: number;
  readonly message: string;
};

/** The most revocations in force. */
const MAX_REVOCATIONS = 1_000_000;

const REVOCATIONS = keyedTopic("$revocations", {
  maxKeys: MAX_REVOCATIONS,
  maxStateBytes: Infinity,
});

/** The cost of looking at one revocation, in units of a slice. */
const VISIT_UNITS = 32;

/**
 * The credentials that are refused on all servers, until they would have expired anyway. A server
 * that starts or returns learns them before it accepts clients.
 */
export class Revocations {
  readonly #clock: Clock;
  /** Closes the connections with revoked credentials. */
  readonly #disconnect: (order: Order) => void;
  readonly #revoked = new Map<string, Revocation>();
  /** When each key of the log is over. */
  readonly #ends = new Map<string, { readonly target: string; readonly until: number }>();
  #topic: Topic | undefined;

  constructor(clock: Clock, disconnect: (order: Order) => void) {
    this.#clock = clock;
    this.#disconnect = disconnect;
  }

  async open(catalog: Catalog): Promise<void> {
    const topic = await catalog.openPrivate(REVOCATIONS);
    this.#topic = topic;
    for (const event of topic.events()) this.#onEvent(event);
    topic.listen((event) => this.#onEvent(event));
  }

  /** Returns the refusal of revoked credentials; `undefined` if they are not revoked. */
  refusalOf({ id, tokenId }: Identity): LiveError | undefined {
    if (this.#revoked.size === 0) return undefined;
    const ofToken = tokenId === undefined ? undefined : this.#inForce(targetOf({ tokenId }));
    const revocation = this.#inForce(targetOf({ identity: id })) ?? ofToken;
    return revocation && new LiveError("unauthorized", revocation.message);
  }

  /**
   * Refuses these credentials here at once, and then on all other servers.
   *
   * @throws LongwireError `invalid_filter`, `invalid_limit`, and LiveError `unavailable` if the
   *   others cannot be told, as a rejection
   */
  async add(revoked: Revoked, { until, message }: Omit<Revocation, keyof Revoked>): Promise<void> {
    const now = wallTimeOf(this.#clock);
    const revocation = { ...checked(revoked), until: checkedTime(until, now), message };
    this.#take(revocation);
    await this.#topic!.append({ key: crypto.randomUUID(), data: revocation });
  }

  /** Forgets, in slices, the revocations whose time is over. */
  tidy(): void {
    const now = wallTimeOf(this.#clock);
    this.#topic?.slices.forEach("revocations", this.#ends, {
      unitsOf: () => VISIT_UNITS,
      visit: ([key, { target, until }]) => {
        if (until <= now) this.#forget(key, target, now);
      },
    });
  }

  #forget(key: string, target: string, now: number): void {
    this.#ends.delete(key);
    if ((this.#revoked.get(target)?.until ?? now) <= now) this.#revoked.delete(target);
    const newest = this.#topic?.newest(key);
    if (newest === undefined || newest.removed) return;
    const removal = { key, removed: true, ifNewest: newest.offset };
    // Another server was faster, or the broker is unreachable and the next start removes it.
    this.#topic?.append(removal).catch(() => {});
  }

  #onEvent({ key = "", removed, data }: TopicEvent): void {
    if (removed) {
      this.#ends.delete(key);
      return;
    }
    const revocation = data as Revocation;
    this.#ends.set(key, { target: targetOf(revocation), until: revocation.until });
    this.#take(revocation);
  }

  #take(revocation: Revocation): void {
    const target = targetOf(revocation);
    const known = this.#revoked.get(target);
    if (known !== undefined && known.until >= revocation.until) return;
    this.#revoked.set(target, revocation);
    if (this.#inForce(target) === undefined) return;
    const { message } = revocation;
    const filter =
      "identity" in revocation
        ? { identity: revocation.identity }
        : { tokenId: revocation.tokenId };
    const code = LiveCloseCode.Unauthorized;
    this.#disconnect({ kind: "disconnect", filter, code, message, retry: false });
  }

  #inForce(target: string): Revocation | undefined {
    const revocation = this.#revoked.get(target);
    const isInForce = revocation !== undefined && revocation.until > wallTimeOf(this.#clock);
    return isInForce ? revocation : undefined;
  }
}

function targetOf(revoked: Revoked): string {
  return "identity" in revoked ? `identity ${revoked.identity}` : `token ${revoked.tokenId}`;
}

/** @throws LongwireError `invalid_filter` */
function checked(revoked: unknown): Revoked {
  const { identity, tokenId } = (revoked ?? {}) as Record<string, unknown>;
  const isOne = (identity === undefined) !== (tokenId === undefined);
  const name = identity ?? tokenId;
  if (isOne && typeof name === "string" && name !== "" && name.length <= MAX_KEY_LENGTH) {
    return revoked as Revoked;
  }
  const message = `The revoked identity or token is ${shown(revoked)}; give { identity: "u-7" } or { tokenId: "t-12" }.`;
  throw new LongwireError("invalid_filter", message);
}

/** @throws LongwireError `invalid_limit` */
function checkedTime(until: unknown, now: number): number {
  if (typeof until === "number" && Number.isFinite(until) && until > now) return until;
  const form = "give a time to come, in ms since the Unix epoch, when the credentials end anyway";
  throw new LongwireError("invalid_limit", `until is ${shown(until)}; ${form}.`);
}
