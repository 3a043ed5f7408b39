import { ledgerPayer, type Ledger, type LedgerPayer, type Payer } from "../../base/index.ts";
import type { Refusal } from "../../protocol/index.ts";
import { payerOfAddress, type Addressed, type ClientAddresses } from "./client-address.ts";

/** Determines who is charged for a connection or request before the client has authenticated. */
export class Payers {
  readonly #ledger: Ledger;
  readonly #addresses: ClientAddresses;

  constructor(ledger: Ledger, addresses: ClientAddresses) {
    this.#ledger = ledger;
    this.#addresses = addresses;
  }

  of(request: Addressed): LedgerPayer {
    return ledgerPayer(this.#ledger.payer(payerOfAddress(this.#addresses.of(request))));
  }

  addressOf(request: Addressed): string | undefined {
    return this.#addresses.of(request);
  }

  /** Whether the payer is within its limit of open connections and requests. */
  hasPlace(payer: Payer): boolean {
    return this.#ledger.hasPlace(payer);
  }
}

export function tooManyConnections(): Refusal {
  return {
    status: 429,
    code: "too_many_connections",
    message:
      "This client has too many open connections and requests; close some, or try again later.",
    headers: [["Retry-After", "5"]],
  };
}
