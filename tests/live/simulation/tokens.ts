import { type Clock, wallTimeOf } from "../../../src/base/index.ts";
import type { Identity } from "../../../src/live/index.ts";
import type { Random } from "../../rigs/random.ts";

/** A token says who it is of and until when it is valid, in wall time. */
export interface Token {
  readonly id: string;
  readonly expiresAt: number;
}

/** How long tokens are valid, in milliseconds. */
const LIVES: readonly number[] = [3_000, 60_000, 10_000_000, 10_000_000];

/** The expiry of the abuser's tokens: never. */
export const LASTING: number = Number.MAX_SAFE_INTEGER;

export function textOf({ id, expiresAt }: Token): string {
  return `${id}@${expiresAt}`;
}

/** Returns the identity for a token. The server believes every one. */
export function identityOf(text: string | undefined): Identity | undefined {
  const [id = "", expiresAt = ""] = text?.split("@") ?? [];
  return id === "" ? undefined : { id, expiresAt: Number(expiresAt) };
}

/** Issues the tokens of a run. */
export class Tokens {
  readonly #clock: Clock;
  readonly #random: Random;
  /** Whether new tokens outlast the run. */
  areLasting = false;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /**
   * Returns the token for the next connection of `name`: mostly a new one, but a client may not
   * have noticed that its former one has expired.
   */
  next(name: string, former: Token | undefined): Token {
    const isStale = former !== undefined && former.expiresAt <= wallTimeOf(this.#clock);
    if (isStale && !this.areLasting && this.#random.chance(0.3)) return former;
    return this.renewed(name);
  }

  /** Returns a new token of the same identity. */
  renewed(id: string): Token {
    const lifeMs = this.areLasting ? LIVES.at(-1)! : this.#random.pick(LIVES);
    return { id, expiresAt: wallTimeOf(this.#clock) + lifeMs };
  }

  /** Whether a client sends its token in `hello`, and not in the handshake. */
  isInHello(): boolean {
    return this.#random.chance(0.3);
  }
}
