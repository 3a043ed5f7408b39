import { wallTimeOf, type Clock } from "../../../src/base/index.ts";
import type { Live } from "../../../src/live/client/index.ts";
import type { TestLive } from "../../../src/testing/index.ts";
import type { Random } from "../../rigs/random.ts";

interface Party {
  readonly name: string;
  readonly live: Live;
}

interface Revocation {
  readonly party: Party;
  readonly until: number;
  /** Whether the server's log has it. */
  isStored: boolean;
}

/** Orders to close the connections of clients, and to refuse their credentials for a while. */
export class Orders {
  readonly #random: Random;
  readonly #clock: Clock;
  #revocation: Revocation | undefined;
  readonly #revoked = new Set<Party>();
  readonly #failures: unknown[] = [];
  disconnects = 0;
  revocations = 0;

  constructor(random: Random, clock: Clock) {
    this.#random = random;
    this.#clock = clock;
  }

  give(server: TestLive["server"], party: Party): void {
    const fail = (error: { code?: string }): void => {
      if (error.code !== "unavailable") this.#failures.push(error);
    };
    if (this.#random.chance(0.06)) {
      this.disconnects += 1;
      server.connections.disconnect({ identity: party.name }).catch(fail);
    }
    if (this.#revocation !== undefined || !this.#random.chance(0.04)) return;
    this.revocations += 1;
    const until = Math.floor(wallTimeOf(this.#clock)) + this.#random.pick([500, 5_000, 40_000]);
    const revocation = { party, until, isStored: false };
    this.#revocation = revocation;
    this.#revoked.add(party);
    server.connections.revoke({ identity: party.name }, until).then(() => {
      revocation.isStored = true;
    }, fail);
  }

  /** A client that was refused for good connects again when its credentials are good again. */
  tick(): void {
    if (this.#revocation !== undefined && wallTimeOf(this.#clock) >= this.#revocation.until) {
      this.#revocation = undefined;
    }
    // On a slow network it learns of a revocation that is over.
    for (const { name, live } of this.#revoked) {
      const isOver = this.#revocation?.party.name !== name;
      if (isOver && live.status.state === "refused") live.reconnect();
    }
  }

  /** The log of revocations is gone. */
  onLogLost(): void {
    if (this.#revocation !== undefined) this.#revocation.isStored = false;
  }

  /** @param open the names of those who are welcome and connected */
  check(open: Iterable<string>): void {
    const [failure] = this.#failures;
    if (failure !== undefined) throw failure as Error;
    const revocation = this.#revocation;
    if (revocation?.isStored !== true || wallTimeOf(this.#clock) >= revocation.until) return;
    for (const name of open) {
      if (name !== revocation.party.name) continue;
      throw new Error(
        `${name} is connected ${revocation.until - wallTimeOf(this.#clock)} ms before its revocation ends`,
      );
    }
  }
}
