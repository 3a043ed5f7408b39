import { wallTimeOf, type Account, type Timer } from "../../../base/index.ts";
import type { Caller } from "./caller.ts";
import type { Identity } from "../access/credentials.ts";
import type { Level } from "../observing/diagnostics.ts";
import { onExpiry } from "../access/expiry.ts";
import type { LiveCore } from "./session.ts";

/** Who a connection has shown itself to be, and until when. */
export class SessionIdentity {
  readonly #core: LiveCore;
  readonly #level: Level;
  readonly #account: Account;
  readonly #onExpired: () => void;
  #openedAt = 0;
  #caller: Caller | undefined;
  #expiry: Timer | undefined;

  constructor(
    core: LiveCore,
    { level, account }: { level: Level; account: Account },
    onExpired: () => void,
  ) {
    this.#core = core;
    this.#level = level;
    this.#account = account;
    this.#onExpired = onExpired;
  }

  /** `undefined` until somebody is let in. */
  get caller(): Caller | undefined {
    return this.#caller;
  }

  /** For how long it is good from now on, in milliseconds; `undefined` for ever. */
  get expiresInMs(): number | undefined {
    const expiresAt = this.#caller?.identity?.expiresAt;
    if (expiresAt === undefined) return undefined;
    return Math.max(0, Math.floor(expiresAt - wallTimeOf(this.#core.clock)));
  }

  /** The connection is this one's from now on. */
  letIn(identity: Identity | undefined): Caller {
    const caller = this.#caller;
    this.#caller = {
      connection: caller?.connection ?? crypto.randomUUID(),
      identity,
      account: this.#account,
      bucket: caller?.bucket ?? this.#core.rates.newBucket(),
      sharedRate: identity?.id,
    };
    if (caller === undefined) this.#notifyOpen(this.#caller);
    this.#expiry?.cancel();
    if (identity?.expiresAt !== undefined) {
      this.#expiry = onExpiry(this.#core, identity.expiresAt, this.#onExpired);
    }
    return this.#caller;
  }

  end(): void {
    this.#expiry?.cancel();
    const caller = this.#caller;
    if (caller === undefined) return;
    const { clock, diagnostics } = this.#core;
    diagnostics.tell("session.close", () => ({
      connection: caller.connection,
      level: this.#level,
      durationMs: clock.now() - this.#openedAt,
    }));
  }

  #notifyOpen({ connection, identity }: Caller): void {
    const { clock, diagnostics } = this.#core;
    this.#openedAt = clock.now();
    const level = this.#level;
    diagnostics.tell("session.open", () => ({ connection, level, identity: identity?.id }));
  }
}
