import { wallTimeOf, type Account, type Timer } from "../../../base/index.ts";
import type { Caller } from "./caller.ts";
import type { Identity } from "../access/credentials.ts";
import type { Level } from "../observing/diagnostics.ts";
import { onExpiry } from "../access/expiry.ts";
import type { LiveCore } from "./session.ts";
import type { ClientInfo } from "./connected-client.ts";

/** The identity of a connection, and when it expires. */
export class SessionIdentity implements ClientInfo {
  readonly level: Level;
  readonly address: string | undefined;
  readonly openedAt: number;
  readonly #core: LiveCore;
  readonly #account: Account;
  readonly #onExpired: () => void;
  #caller: Caller | undefined;
  #expiry: Timer | undefined;

  constructor(
    core: LiveCore,
    { level, account, address }: Pick<ClientInfo, "level" | "address"> & { account: Account },
    onExpired: () => void,
  ) {
    this.#core = core;
    this.level = level;
    this.address = address;
    this.openedAt = core.clock.now();
    this.#account = account;
    this.#onExpired = onExpired;
  }

  /** `undefined` until the client is authenticated. */
  get caller(): Caller | undefined {
    return this.#caller;
  }

  get since(): number {
    const { clock } = this.#core;
    return Math.floor(wallTimeOf(clock) - (clock.now() - this.openedAt));
  }

  /** How long the identity remains valid, in milliseconds; `undefined` if it does not expire. */
  get expiresInMs(): number | undefined {
    const expiresAt = this.#caller?.identity?.expiresAt;
    if (expiresAt === undefined) return undefined;
    return Math.max(0, Math.floor(expiresAt - wallTimeOf(this.#core.clock)));
  }

  /** Assigns the connection to this identity. */
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
    diagnostics.publish("session.close", () => ({
      connection: caller.connection,
      level: this.level,
      durationMs: clock.now() - this.openedAt,
    }));
  }

  #notifyOpen({ connection, identity }: Caller): void {
    const { diagnostics } = this.#core;
    const { level } = this;
    diagnostics.publish("session.open", () => ({ connection, level, identity: identity?.id }));
  }
}
