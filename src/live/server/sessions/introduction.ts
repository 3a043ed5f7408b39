import { onceAvailable, type Timer } from "../../../base/index.ts";
import { tokenAlone, type Credentials, type Identity } from "../access/credentials.ts";
import { noCredentials, type AuthResult } from "../access/authenticator.ts";
import type { ClientMessage } from "../../wire/client-message.ts";
import type { LiveError } from "../../../topics/index.ts";
import type { LiveCore } from "./session.ts";

interface IntroductionHost {
  /** The client's address. */
  readonly address: string;
  isOpen(): boolean;
  /** The credentials are accepted; may refuse them all the same. */
  welcome(identity: Identity | undefined): void;
  refuse(error: LiveError): void;
  /** Sends nothing longer from now on. */
  limitTo(maxBytes: number | undefined): void;
}

/** A Level 1 client until it is welcomed: its credentials are in the handshake or in `hello`. */
export class Introduction {
  readonly #core: LiveCore;
  readonly #host: IntroductionHost;
  /** The check of the handshake's credentials, while in progress. */
  #opening: Promise<void> | undefined;
  #deadline: Timer | undefined;
  /** Whether credentials were accepted or refused. */
  #isDecided = false;

  constructor(core: LiveCore, host: IntroductionHost) {
    this.#core = core;
    this.#host = host;
  }

  /** Messages of the client wait for it. */
  get opening(): Promise<void> | undefined {
    return this.#opening;
  }

  /** Checks the credentials in the handshake. */
  start(credentials: Credentials): void {
    const checked = this.#core.logins.check(credentials, this.#host.address);
    const shown = onceAvailable(checked, (result) => {
      this.#opening = undefined;
      this.#onResult(result);
    });
    if (shown instanceof Promise) this.#opening = shown;
  }

  /**
   * Handles a message: a client whose handshake had no credentials has to send `hello` first.
   *
   * @param message `undefined` if it is invalid
   */
  onMessage(message: ClientMessage | undefined): void | Promise<void> {
    if (message?.type !== "hello" || message.token === undefined) {
      return this.#host.refuse(noCredentials());
    }
    this.#host.limitTo(message.maxMessage);
    // From here on, the delay is the server's.
    this.#deadline?.cancel();
    const decided = this.#core.logins.decide(tokenAlone(message.token), this.#host.address);
    return onceAvailable(decided, (result) => this.#onResult(result));
  }

  /** The connection has ended. */
  end(): void {
    this.#deadline?.cancel();
    const { logins } = this.#core;
    if (!this.#isDecided && logins.areRequired) logins.onNoneShown(this.#host.address);
  }

  #onResult(result: AuthResult): void {
    this.#isDecided = result.kind !== "unknown";
    if (!this.#host.isOpen()) return;
    if (result.kind === "refused") return this.#host.refuse(result.error);
    if (result.kind === "known") {
      this.#deadline?.cancel();
      return this.#host.welcome(result.identity);
    }
    const { wheel, limits } = this.#core;
    this.#deadline ??= wheel.after(limits.helloTimeoutMs, () => this.#host.refuse(noCredentials()));
  }
}
