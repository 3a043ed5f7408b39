import type { Account, Clock, Payer } from "../../../base/index.ts";
import { LiveError, quoted } from "../../../topics/index.ts";
import type { LiveLimits } from "../limits.ts";
import type { Identity } from "../access/credentials.ts";
import { TokenBucket } from "../access/token-bucket.ts";

/** Who asks: a connection, or one plain request. */
export interface Caller {
  /** The connection's name; a request's own. */
  readonly connection: string;
  /** `undefined` where the server has no `authenticate`. */
  readonly identity: Identity | undefined;
  /** What the connection or the request holds; its payer also pays for what outlives it. */
  readonly account: Account;
  /** The requests of this connection; a plain request is none by itself. */
  readonly bucket: TokenBucket | undefined;
  /** Whom it shares a rate with: all of the same identity, or of the same address. */
  readonly sharedRate: string | undefined;
}

/** Who pays for what `caller` leaves behind. @throws LiveError `unavailable` if it is gone */
export function payerOf({ account }: Pick<Caller, "account">): Payer {
  if (account.payer !== undefined) return account.payer;
  throw new LiveError("unavailable", "The connection has ended; connect again.");
}

/** A caller as a report to the developer names it. */
export function shownCaller({
  identity,
  connection,
}: Pick<Caller, "identity" | "connection">): string {
  return identity === undefined
    ? `the connection ${quoted(connection)}`
    : `the identity ${quoted(identity.id)}`;
}

/** What callers may do in a time, by connection and by identity. */
export class Rates {
  readonly #clock: Clock;
  readonly #limits: LiveLimits;
  readonly #shared = new Map<string, TokenBucket>();

  constructor(clock: Clock, limits: LiveLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  newBucket(): TokenBucket {
    const { requestsPerSecond: perSecond, requestBurst: burst } = this.#limits;
    return new TokenBucket({ perSecond, burst }, this.#clock.now());
  }

  /** Counts a request. @throws LiveError `rate_limited` */
  count({ bucket, sharedRate }: Caller): void {
    const now = this.#clock.now();
    if (bucket?.take(now) === false) throw tooMany("connection", this.#limits.requestsPerSecond);
    if (sharedRate === undefined || this.#bucketOf(sharedRate, now).take(now)) return;
    throw tooMany("identity", this.#limits.identityRequestsPerSecond);
  }

  /** Forgets those who have not asked for a while. */
  tidy(): void {
    const now = this.#clock.now();
    for (const [who, bucket] of this.#shared) if (bucket.isFull(now)) this.#shared.delete(who);
  }

  #bucketOf(who: string, now: number): TokenBucket {
    const known = this.#shared.get(who);
    if (known !== undefined) return known;
    const { identityRequestsPerSecond: perSecond, identityRequestBurst: burst } = this.#limits;
    const bucket = new TokenBucket({ perSecond, burst }, now);
    this.#shared.set(who, bucket);
    return bucket;
  }
}

function tooMany(whose: string, perSecond: number): LiveError {
  const message = `More than ${perSecond} requests a second of one ${whose} came; slow down and try again.`;
  return new LiveError("rate_limited", message);
}
