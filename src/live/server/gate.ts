import { LongwireError, wallTimeOf, type Clock, type TimerWheel } from "../../base/index.ts";
import { whenThere } from "../awaitable.ts";
import { MAX_KEY_LENGTH } from "../limits.ts";
import { LiveError } from "../live-error.ts";
import type { Report } from "../topic.ts";
import type { Authenticate, Credentials, Identity } from "./credentials.ts";
import { inTime } from "./in-time.ts";

/** What became of somebody's credentials. */
export type Admittance =
  /** Known, or of a server that asks nobody. */
  | { kind: "known"; identity: Identity | undefined }
  /** These were no credentials; others may follow. */
  | { kind: "unknown" }
  | { kind: "refused"; error: LiveError };

interface GateHost {
  clock: Clock;
  wheel: TimerWheel;
  /** How long `authenticate` may take. */
  timeoutMs: number;
  report: Report;
}

/** Says who is at the door. */
export class Gate {
  readonly #authenticate: Authenticate | undefined;
  readonly #host: GateHost;

  constructor(authenticate: Authenticate | undefined, host: GateHost) {
    this.#authenticate = authenticate;
    this.#host = host;
  }

  /** Whether clients have to show who they are. */
  get isAsking(): boolean {
    return this.#authenticate !== undefined;
  }

  /** Checks credentials. Never throws: a refusal is a value. */
  check(credentials: Credentials): Admittance | Promise<Admittance> {
    if (this.#authenticate === undefined) return { kind: "known", identity: undefined };
    try {
      const now = (): number => wallTimeOf(this.#host.clock);
      const outcome = whenThere(this.#authenticate(credentials), (identity) =>
        admittanceOf(identity, now()),
      );
      return outcome instanceof Promise ? this.#inTime(outcome) : outcome;
    } catch (error) {
      return this.#refused(error);
    }
  }

  /** A check that never ends must not keep a connection whose client is nobody. */
  #inTime(outcome: Promise<Admittance>): Promise<Admittance> {
    const { wheel, timeoutMs } = this.#host;
    const late = (): LiveError => {
      const message = "Checking the credentials took too long; try again later.";
      return new LiveError("unavailable", message);
    };
    const checked = inTime(outcome, { wheel, timeoutMs, late });
    return checked.catch((error) => this.#refused(error));
  }

  #refused(error: unknown): Admittance {
    if (error instanceof LiveError) return { kind: "refused", error };
    this.#host.report(error);
    const message = "The server failed to check the credentials; try again later.";
    return { kind: "refused", error: new LiveError("internal", message) };
  }
}

function admittanceOf(identity: Identity | undefined, now: number): Admittance {
  if (identity === undefined || identity === null) return { kind: "unknown" };
  const { id, expiresAt } = identity as { id: unknown; expiresAt: unknown };
  if (typeof id !== "string" || id === "" || id.length > MAX_KEY_LENGTH) {
    throw invalidIdentity(`id is no string of 1 to ${MAX_KEY_LENGTH} characters`);
  }
  if (expiresAt === undefined) return { kind: "known", identity };
  if (!Number.isFinite(expiresAt)) throw invalidIdentity("expiresAt is no finite number");
  if ((expiresAt as number) > now) return { kind: "known", identity };
  const message = "The credentials have expired; sign in again, or show new ones.";
  return { kind: "refused", error: new LiveError("unauthorized", message) };
}

function invalidIdentity(what: string): LongwireError {
  const message = `authenticate returned an identity whose ${what}; give it one.`;
  return new LongwireError("invalid_identity", message);
}

/** What somebody is told who showed no credentials. */
export function noCredentials(): LiveError {
  const message = "No valid credentials came; sign in, or send hello with a token.";
  return new LiveError("unauthorized", message);
}
