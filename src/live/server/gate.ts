import { LongwireError } from "../../base/index.ts";
import { whenThere } from "../awaitable.ts";
import { MAX_KEY_LENGTH } from "../limits.ts";
import { LiveError } from "../live-error.ts";
import type { Report } from "../topic.ts";
import type { Authenticate, Credentials, Identity } from "./credentials.ts";

/** What became of somebody's credentials. */
export type Admittance =
  /** Known, or of a server that asks nobody. */
  | { kind: "known"; identity: Identity | undefined }
  /** These were no credentials; others may follow. */
  | { kind: "unknown" }
  | { kind: "refused"; error: LiveError };

/** Says who is at the door. */
export class Gate {
  readonly #authenticate: Authenticate | undefined;
  readonly #report: Report;

  constructor(authenticate: Authenticate | undefined, report: Report) {
    this.#authenticate = authenticate;
    this.#report = report;
  }

  /** Checks credentials. Never throws: a refusal is a value. */
  check(credentials: Credentials): Admittance | Promise<Admittance> {
    if (this.#authenticate === undefined) return { kind: "known", identity: undefined };
    try {
      const outcome = whenThere(this.#authenticate(credentials), admittanceOf);
      return outcome instanceof Promise ? outcome.catch((error) => this.#refused(error)) : outcome;
    } catch (error) {
      return this.#refused(error);
    }
  }

  #refused(error: unknown): Admittance {
    if (error instanceof LiveError) return { kind: "refused", error };
    this.#report(error);
    const message = "The server failed to check the credentials; try again later.";
    return { kind: "refused", error: new LiveError("internal", message) };
  }
}

function admittanceOf(identity: Identity | undefined): Admittance {
  if (identity === undefined || identity === null) return { kind: "unknown" };
  const { id } = identity as { id: unknown };
  if (typeof id === "string" && id !== "" && id.length <= MAX_KEY_LENGTH) {
    return { kind: "known", identity };
  }
  const message = `authenticate returned an identity whose id is no string of 1 to ${MAX_KEY_LENGTH} characters; give it one.`;
  throw new LongwireError("invalid_identity", message);
}

/** What somebody is told who showed no credentials. */
export function noCredentials(): LiveError {
  const message = "No valid credentials came; sign in, or send hello with a token.";
  return new LiveError("unauthorized", message);
}
