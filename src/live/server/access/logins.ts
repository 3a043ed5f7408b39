import { onceAvailable, type TimerWheel } from "../../../base/index.ts";
import { REFUSED_LOGIN_MS } from "../limits.ts";
import { noCredentials, type Authenticator, type AuthResult } from "./authenticator.ts";
import type { Credentials } from "./credentials.ts";
import type { LoginGuard } from "./login-guard.ts";

/** The outcome for credentials that were the client's last chance. */
export type Verdict = Exclude<AuthResult, { kind: "unknown" }>;

type Refused = Extract<AuthResult, { kind: "refused" }>;

/** Checks the credentials of clients, and counts those that are wrong per address. */
export class Logins {
  readonly #authenticator: Authenticator;
  readonly #guard: LoginGuard;
  readonly #wheel: TimerWheel;

  constructor(authenticator: Authenticator, guard: LoginGuard, wheel: TimerWheel) {
    this.#authenticator = authenticator;
    this.#guard = guard;
    this.#wheel = wheel;
  }

  /** Whether clients must authenticate. */
  get areRequired(): boolean {
    return this.#authenticator.isAsking;
  }

  /**
   * Checks credentials that may still be followed by others. Never throws.
   *
   * @param address names whose failed logins are counted: the client's address, or its identity
   */
  check(credentials: Credentials, address: string): AuthResult | Promise<AuthResult> {
    return this.#check(credentials, address, (result) => result);
  }

  /** Checks credentials that are not followed by others: nobody's are refused, too. Never throws. */
  decide(credentials: Credentials, address: string): Verdict | Promise<Verdict> {
    return this.#check(credentials, address, verdictOn);
  }

  #check<Result extends AuthResult>(
    credentials: Credentials,
    address: string,
    resultOf: (result: AuthResult) => Result | Refused,
  ): Result | Refused | Promise<Result | Refused> {
    if (!this.areRequired) return resultOf({ kind: "known", identity: undefined });
    const error = this.#guard.refusal(address);
    if (error !== undefined) return this.#later({ kind: "refused", error });
    return onceAvailable(this.#authenticator.check(credentials), (checked) => {
      const result = resultOf(checked);
      // A key server that is away does not make credentials wrong.
      const isWrong = result.kind === "refused" && result.error.code === "unauthorized";
      if (isWrong) this.#guard.onFailed(address);
      else this.#guard.onNotFailed(address);
      return result;
    });
  }

  /** Records that a connection ended without having shown credentials. */
  onNoneShown(address: string): void {
    this.#guard.onFailed(address);
  }

  /** Forgets addresses that have not failed recently. */
  tidy(): void {
    this.#guard.tidy();
  }

  /**
   * An address that guesses waits for each refusal. Otherwise, it would connect again as fast as the
   * server accepts, and leave no room for others in the queue of new connections.
   */
  #later(refused: Refused): Promise<Refused> {
    return new Promise((resolve) => {
      this.#wheel.after(REFUSED_LOGIN_MS, () => resolve(refused));
    });
  }
}

function verdictOn(result: AuthResult): Verdict {
  return result.kind === "unknown" ? { kind: "refused", error: noCredentials() } : result;
}
