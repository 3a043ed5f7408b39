import type { Clock } from "../../../base/index.ts";
import { type Broker, LiveError } from "../../../topics/index.ts";

interface CutOffHost {
  readonly clock: Clock;
  readonly broker: Pick<Broker, "isAway" | "isShared">;
  /** How long identities are trusted without the broker, in milliseconds. */
  readonly cutOffMs: number;
  /** Closes the connections of all identities. */
  readonly disconnectAll: (message: string) => void;
}

/**
 * Notices that this server cannot reach its broker, and so does not learn which identities have been
 * revoked.
 */
export class CutOff {
  readonly #host: CutOffHost;
  #awaySince: number | undefined;
  #isOver = false;

  constructor(host: CutOffHost) {
    this.#host = host;
  }

  /** The refusal of all identities; `undefined` if they can be trusted. */
  get refusal(): LiveError | undefined {
    return this.#isOver ? new LiveError("unavailable", MESSAGE) : undefined;
  }

  /** Called at intervals. */
  check(): void {
    const { clock, broker, cutOffMs, disconnectAll } = this.#host;
    // Nobody else can have revoked anything in storage of this server's own.
    if (broker.isAway !== true || broker.isShared === false) {
      this.#awaySince = undefined;
      this.#isOver = false;
      return;
    }
    this.#awaySince ??= clock.now();
    if (this.#isOver || clock.now() - this.#awaySince < cutOffMs) return;
    this.#isOver = true;
    disconnectAll(MESSAGE);
  }
}

const MESSAGE =
  "The server cannot check whether your credentials are still valid; connect again later.";
