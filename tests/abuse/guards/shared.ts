import type { Guard } from "./guard.ts";

// Guards that several attacks meet.

export const payersShare: Guard = {
  what: "a payer's share of memory (shareBytes)",
  file: "dist/base/ledger/ledger-payer.js",
  from: "if (!fits() && !this.#makeRoom(fits, bytes, holder))",
  to: "if (false)",
};

export const liveMessageLimit: Guard = {
  what: "the live layer's limit on messages, 1 MiB (maxMessageBytes); 16 MiB instead",
  file: "dist/live/server/limits.js",
  from: "    maxMessageBytes: 1024 * 1024,",
  to: "    maxMessageBytes: 16 * 1024 * 1024,",
};

export const sharedPages: Guard = {
  what: "pages are made once for all readers at the same place",
  file: "dist/topics/fan-out/page-cache.js",
  from: "return this.#byOwner.get(owner)?.get(name)?.page;",
  to: "return undefined;",
};

export const sliceOfATurn: Guard = {
  what: "a turn of the event loop has time for one slice of long work",
  file: "dist/topics/slices/slice-queue.js",
  from: "get hasTime() {",
  to: "get hasTime() { return true;",
};

export const sliceOfAWalk: Guard = {
  what: "a walk over events stops when it has used up its slice",
  file: "dist/topics/slices/work.js",
  from: "return this.units >= SLICE_UNITS;",
  to: "return false;",
};

/** One connection's, and an identity's. */
export const requestRates: readonly Guard[] = [
  {
    what: "a connection's rate of requests (requestBurst)",
    file: "dist/live/server/limits.js",
    from: " requestBurst: 10_000,",
    to: " requestBurst: 10_000_000,",
  },
  {
    what: "an identity's rate of requests (identityRequestBurst)",
    file: "dist/live/server/limits.js",
    from: "identityRequestBurst: 20_000,",
    to: "identityRequestBurst: 20_000_000,",
  },
];
