import type { Account, Clock, Payer } from "../../../base/index.ts";
import { LiveError, quoted } from "../../../topics/index.ts";
import type { LiveLimits } from "../limits.ts";
import type { Identity } from "../access/credentials.ts";
import { TokenBucket } from "../access/token-bucket.ts";

/** The sender of a request: a connection, or one plain HTTP request. */
export interface Caller {
  /** The connection's name, or the request's own. */
  readonly connection: string;
  /** `undefined` if the server has no `authenticate`. */
  readonly identity: Identity | undefined;
  /** The account of the connection or request; its payer also pays for what outlives it. */
  readonly account: Account;
  /** The connection's rate limit; a plain request has none of its own. */
  readonly bucket: TokenBucket | undefined;
  /** The key of the shared rate limit: the identity or the address. */
  readonly sharedRate: string | undefined;
}

/** Returns the payer for what outlives `caller`. @throws LiveError `unavailable` if it has ended */
export function payerOf({ account }: Pick<Caller, "account">): Payer {
  if (account.payer !== undefined) return account.payer;
  throw new LiveError("unavailable", "The connection has ended; connect again.");
}

/** Names a caller for error reports. */
export function shownCaller({
  identity,
  connection,
}: Pick<Caller, "identity" | "connection">): string {
  return identity === undefined
    ? `the connection ${quoted(connection)}`
    : `the identity ${quoted(identity.id)}`;
}

/** Rate limits per connection and per identity. */
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

  /** Forgets callers that have been idle. */
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
  const message = `One ${whose} sent more than ${perSecond} requests a second; slow down and try again.`;
  return new LiveError("rate_limited", message);
}
