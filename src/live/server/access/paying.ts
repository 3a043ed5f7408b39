import type { Account, Ledger } from "../../../base/index.ts";
import { LiveError } from "../../../topics/index.ts";
import { payerOf } from "../sessions/caller.ts";
import type { Identity } from "./credentials.ts";

/**
 * Charges the identity for what a connection or request holds, from now on. Without an identity,
 * the address keeps paying.
 *
 * @throws LiveError `rate_limited` if the identity has too many connections open, or holds too much
 */
export function payAs(ledger: Ledger, account: Account, identity: Identity | undefined): void {
  if (identity === undefined) return;
  const payer = ledger.payer(`identity ${identity.id}`);
  if (account.payer === payer) return;
  // In this order, because a payer that nobody joins would never be removed.
  if (!account.moveTo(payer)) throw overShare();
  if (ledger.hasPlace(payer)) return;
  const message =
    "Too many connections and requests of this identity are open; close some, or try again later.";
  throw new LiveError("rate_limited", message);
}

/** Refunds what was charged; further calls do nothing. */
export type Release = () => void;

/**
 * Charges what a request holds until its work is done. The charge does not end with the connection,
 * because a method or a broker may hold the memory for longer.
 *
 * @throws LiveError `rate_limited`, `unavailable`
 */
export function heldByRequest(caller: { readonly account: Account }, bytes: number): Release {
  const payer = payerOf(caller);
  if (!payer.charge(bytes, caller.account)) throw overShare();
  let isHeld = true;
  return () => {
    if (isHeld) payer.refund(bytes);
    isHeld = false;
  };
}

/**
 * Charges `bytes` to `account` until the release, or until the connection ends.
 *
 * @throws LiveError `rate_limited`
 */
export function held(account: Account, bytes: number): Release {
  if (!account.charge(bytes)) throw overShare();
  let isHeld = true;
  return () => {
    if (isHeld) account.refund(bytes);
    isHeld = false;
  };
}

/** The name of a connection's payer: its address, and once it is authenticated its identity. */
export function addressOf({ account }: { readonly account: Account }): string {
  return account.payer?.name ?? "";
}

/** The error for a client whose share of memory is used up. */
export function overShare(): LiveError {
  const message =
    "Your share of this server's memory is used up; wait for answers, read what was sent, or end subscriptions.";
  return new LiveError("rate_limited", message);
}
