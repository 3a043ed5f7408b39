import {
  type Clock,
  type TimerWheel,
  wallTimeOf,
  onceAvailable,
  shown,
} from "../../../base/index.ts";
import { callApplication, LiveError, MAX_KEY_LENGTH, type Report } from "../../../topics/index.ts";
import type { Authenticate, Credentials, Identity } from "./credentials.ts";
import { inTime } from "./in-time.ts";
import { LastingError } from "../observing/reporter.ts";

/** The outcome of an authentication. */
export type AuthResult =
  /** Authenticated, or the server has no `authenticate`. */
  | { kind: "known"; identity: Identity | undefined }
  /** These credentials identify nobody; the client may still send others. */
  | { kind: "unknown" }
  | { kind: "refused"; error: LiveError };

interface GateHost {
  /** Returns why an identity is refused that `authenticate` has returned. */
  refusalOf: (identity: Identity) => LiveError | undefined;
  clock: Clock;
  wheel: TimerWheel;
  /** How long `authenticate` may take, in milliseconds. */
  timeoutMs: number;
  report: Report;
}

/** Runs the application's `authenticate` and checks what it returns. */
export class Authenticator {
  readonly #authenticate: Authenticate | undefined;
  readonly #host: GateHost;

  constructor(authenticate: Authenticate | undefined, host: GateHost) {
    this.#authenticate = authenticate;
    this.#host = host;
  }

  /** Whether clients must authenticate. */
  get isAsking(): boolean {
    return this.#authenticate !== undefined;
  }

  /**
   * Returns why an identity is refused that was accepted a moment ago, or before a wait: it may have
   * been revoked since.
   */
  refusalOf(identity: Identity | undefined): LiveError | undefined {
    return identity && this.#host.refusalOf(identity);
  }

  /** Checks credentials. Never throws; a refusal is a value. */
  check(credentials: Credentials): AuthResult | Promise<AuthResult> {
    const authenticate = this.#authenticate;
    if (authenticate === undefined) return { kind: "known", identity: undefined };
    const { remoteAddress = "an unknown address" } = credentials;
    const called = { name: "authenticate", occasion: `for a client at ${remoteAddress}` };
    try {
      const answer = callApplication(
        () => called,
        () => authenticate(credentials),
      );
      const outcome = onceAvailable(answer, (identity) => this.#admittanceOf(identity));
      return outcome instanceof Promise ? this.#inTime(outcome) : outcome;
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** A check that never settles must not keep an unauthenticated connection open. */
  #inTime(outcome: Promise<AuthResult>): Promise<AuthResult> {
    const { wheel, timeoutMs } = this.#host;
    const late = (): LiveError => {
      const message = "Checking the credentials took too long; try again later.";
      return new LiveError("unavailable", message);
    };
    const checked = inTime(outcome, {
      wheel,
      timeoutMs,
      late,
      onTooLate: (error) => void this.#refused(error),
    });
    return checked.catch((error) => this.#refused(error));
  }

  #admittanceOf(identity: Identity | undefined): AuthResult {
    if (identity === undefined || identity === null) return { kind: "unknown" };
    const { id, expiresAt, tokenId } = identity as { [Name in keyof Identity]: unknown };
    if (!isName(id)) throw invalidId(id);
    if (tokenId !== undefined && !isName(tokenId)) throw invalidTokenId(tokenId);
    const refusal = this.#host.refusalOf(identity);
    if (refusal !== undefined) return { kind: "refused", error: refusal };
    if (expiresAt === undefined) return { kind: "known", identity };
    if (typeof expiresAt !== "number" || !Number.isFinite(expiresAt)) {
      throw invalidExpiry(expiresAt, "return a finite number of ms since the Unix epoch");
    }
    const now = wallTimeOf(this.#host.clock);
    if (expiresAt > now) return { kind: "known", identity };
    if (isInSeconds(expiresAt, now)) {
      throw invalidExpiry(expiresAt, "that is in seconds; return ms since the Unix epoch");
    }
    const message = "The credentials have expired; sign in again, or send new ones.";
    return { kind: "refused", error: new LiveError("unauthorized", message) };
  }

  #refused(error: unknown): AuthResult {
    if (error instanceof LiveError) return { kind: "refused", error };
    this.#host.report(error);
    const message = "The server failed to check the credentials; try again later.";
    return { kind: "refused", error: new LiveError("internal", message) };
  }
}

/** In milliseconds since the Unix epoch this is in 1973; in seconds, in the year 5138. */
const LAST_SECOND = 100_000_000_000;

/**
 * Whether `expiresAt` looks like seconds (for example a token's `exp`) and would be in the future
 * as such.
 */
function isInSeconds(expiresAt: number, now: number): boolean {
  return expiresAt < LAST_SECOND && now > LAST_SECOND && expiresAt * 1_000 > now;
}

function invalidId(id: unknown): LastingError {
  const form = typeof id === "number" || typeof id === "bigint" ? ", such as String(id)" : "";
  const message = `authenticate returned an identity whose id is ${shownId(id)}; return a string of 1 to ${MAX_KEY_LENGTH} characters${form}.`;
  return new LastingError("invalid_identity", message, { kind: `id ${typeof id}` });
}

function isName(name: unknown): boolean {
  return typeof name === "string" && name !== "" && name.length <= MAX_KEY_LENGTH;
}

function invalidTokenId(id: unknown): LastingError {
  const message = `authenticate returned an identity whose tokenId is ${shownId(id)}; return a string of 1 to ${MAX_KEY_LENGTH} characters, or leave it out.`;
  return new LastingError("invalid_identity", message, { kind: `tokenId ${typeof id}` });
}

/** Too long an id is described by its length, because it may be a token. */
function shownId(id: unknown): string {
  if (typeof id === "string") return `a string of ${id.length} characters`;
  return typeof id === "number" ? `${id}, a number` : shown(id);
}

function invalidExpiry(expiresAt: unknown, form: string): LastingError {
  const message = `authenticate returned an identity whose expiresAt is ${shown(expiresAt)}; ${form}, or leave it out.`;
  return new LastingError("invalid_identity", message, { kind: `expiresAt ${form}` });
}

/** The error for a client that sent no valid credentials. */
export function noCredentials(): LiveError {
  const message = "No valid credentials were sent; sign in, or send hello with a token.";
  return new LiveError("unauthorized", message);
}
