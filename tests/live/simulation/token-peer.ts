import type { Ledger } from "../../../src/base/index.ts";
import type { LiveEndpoint } from "../../../src/live/server/live-server.ts";
import { MemoryPeer } from "../../rigs/live/memory-peer.ts";
import type { ClockFaults } from "./clock-faults.ts";
import type { Token } from "./tokens.ts";

/** The server's wheel of deadlines may be late by a tick. */
const TICK_MS = 100;

/** A server notices within half a minute that the wall clock was set. */
const NOTICED_MS: number = 30_000 + TICK_MS;

/** How often tokens had each fate in a run. */
export interface TokenTally {
  tokensExpired: number;
  tokensRefused: number;
  tokensRefreshed: number;
}

/** A peer that checks that tokens are valid exactly until they expire by the wall clock. */
export class TokenPeer extends MemoryPeer {
  /** The first rule that was violated. */
  failure: string | undefined;
  readonly #faults: ClockFaults;
  readonly #tally: TokenTally;
  /** The tokens that the client sent and the server has not answered, in order. */
  readonly #offered: Token[] = [];
  #accepted: Token | undefined;
  #refused: Token | undefined;

  constructor(
    endpoint: LiveEndpoint,
    { protocol, ledger, address }: { protocol: string; ledger: Ledger; address: string },
    { faults, tally }: { faults: ClockFaults; tally: TokenTally },
  ) {
    super(endpoint, protocol, ledger, address);
    this.#faults = faults;
    this.#tally = tally;
  }

  /** Records that the client sends a token. */
  offer(token: Token): void {
    this.#offered.push(token);
  }

  /** The server has accepted the next token. */
  accept(expiresIn?: number): void {
    const token = this.#offered.shift();
    if (token === undefined) return;
    const leftMs = token.expiresAt - this.#wallTime;
    if (leftMs <= 0) this.#fail(`accepted a token ${-leftMs} ms after its expiry`);
    if (expiresIn !== undefined && expiresIn !== Math.floor(leftMs)) {
      this.#fail(`said that ${expiresIn} ms are left of a token, and it is ${leftMs}`);
    }
    if (this.#accepted !== undefined) this.#tally.tokensRefreshed += 1;
    this.#accepted = token;
  }

  override send(text: string): boolean {
    const isAnswer = /^\{"type":"(?:welcome|refreshed|error)"/.test(text);
    if (isAnswer && this.isOpen) this.#onAnswer(JSON.parse(text) as Answer);
    return super.send(text);
  }

  override close(code: number, reason: string): void {
    if (this.isOpen) this.#onClosing(code);
    super.close(code, reason);
  }

  /** Checks that the connection has not outlived its token. */
  checkOpen(): void {
    if (!this.isOpen || this.#accepted === undefined) return;
    const lateMs = this.#wallTime - this.#accepted.expiresAt;
    const isNoticed = this.#faults.clock.now() - this.#faults.setAt > NOTICED_MS;
    if (lateMs > TICK_MS && isNoticed) this.#fail(`let a token live ${lateMs} ms too long`);
  }

  #onAnswer({ type, code, expiresIn }: Answer): void {
    if (type !== "error") this.accept(expiresIn);
    else if (code === "unauthorized") this.#refuse(this.#offered.shift());
  }

  #onClosing(code: number): void {
    if (code === 4503 && !this.#faults.hasJustSlept) this.#fail("said that it is overloaded");
    if (code !== 4401) return;
    if (this.#accepted !== undefined) {
      this.#tally.tokensExpired += 1;
      this.#checkExpired(this.#accepted);
    } else if (this.#refused === undefined) this.#refuse(this.#offered.shift());
  }

  #refuse(token: Token | undefined): void {
    if (token === undefined) return this.#fail("refused a client without a token");
    this.#refused = token;
    this.#tally.tokensRefused += 1;
    this.#checkExpired(token);
  }

  #checkExpired({ expiresAt }: Token): void {
    const leftMs = expiresAt - this.#wallTime;
    if (leftMs > 0) this.#fail(`refused a token ${leftMs} ms before its expiry`);
  }

  get #wallTime(): number {
    return this.#faults.clock.wallTime();
  }

  #fail(what: string): void {
    this.failure ??= `the server ${what}`;
  }
}

interface Answer {
  type: string;
  code?: string;
  expiresIn?: number;
}
