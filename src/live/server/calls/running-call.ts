import type { CallContext } from "../../live-api.ts";
import type { Identity } from "../access/credentials.ts";
import type { Caller } from "../sessions/caller.ts";

/** A call while its method runs, as the method sees it. */
export class RunningCall implements CallContext<Identity | undefined> {
  readonly identity: Identity | undefined;
  readonly connection: string;
  /** Made when it is first read, because most methods do not use it. */
  #controller: AbortController | undefined;
  #reason: Error | undefined;
  /** How many requests wait for the result: the first one, and its repeats. */
  #waiting = 0;

  constructor({ identity, connection }: Caller) {
    this.identity = identity;
    this.connection = connection;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    return this.#controller.signal;
  }

  onWaiting(): void {
    this.#waiting += 1;
  }

  /** A request does not wait any longer. If it was the last one, the method is told. */
  onGivenUp(reason: Error): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.abort(reason);
  }

  /** Tells the method that nobody waits for its result any more. */
  abort(reason: Error): void {
    this.#reason ??= reason;
    this.#controller?.abort(this.#reason);
  }
}
