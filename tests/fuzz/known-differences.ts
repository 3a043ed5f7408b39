import type { Reading } from "./reading.ts";

/** Somewhere that Longwire and the package `ws` read the same bytes differently. */
interface KnownDifference {
  name: string;
  reason: string;
  isIt(ours: Reading, theirs: Reading): boolean;
}

/** Failures for which both close with the same code mostly, under these names. */
const knownDifferences: readonly KnownDifference[] = [
  {
    name: "padded length",
    reason: "ws takes a payload length in a longer form than it needs; RFC 6455 §5.2 forbids it.",
    isIt: (ours) => ours.failure?.code === "padded_length",
  },
  {
    name: "length with its highest bit",
    reason: "ws refuses it for its size, with 1009; RFC 6455 §5.2 says that the bit must be 0.",
    isIt: (ours, theirs) =>
      ours.failure?.code === "negative_length" && theirs.failure?.closeCode === 1009,
  },
  {
    name: "text refused early",
    reason: "ws looks at text once the message is whole; we refuse it at its first bad octet.",
    isIt: (ours) => ours.failure?.code === "invalid_utf8",
  },
  {
    name: "inflated early",
    reason: "ws inflates each fragment as it comes; we, the message once all of it is there.",
    isIt: (ours, theirs) => isInflating(theirs) && ours.received.length >= theirs.received.length,
  },
  {
    name: "data behind a final block",
    reason:
      "ws drops what follows a final block; RFC 7692 §7.2.3.4 has more blocks there, so we look.",
    isIt: (ours, theirs) =>
      ours.failure?.code === "invalid_deflate" && theirs.received.length >= ours.received.length,
  },
  {
    name: "too many fragments",
    reason: "ws counts a fragment once it is whole and closes with 1008; we, on its header, 1009.",
    isIt: (ours) => ours.failure?.code === "too_many_fragments",
  },
  {
    name: "header read early",
    reason: "ws judges a header by its first two octets; we, once all of it is there.",
    isIt: (ours, theirs) => ours.failure === undefined && theirs.failure !== undefined,
  },
];

/** Differences behind which a stream may go on otherwise. */
const knownForks: readonly KnownDifference[] = [
  {
    name: "final block under a kept window",
    reason:
      "Behind a message whose final block ends with it ws hands on an empty one; we begin anew.",
    isIt: ({ restarts }) => restarts > 0,
  },
];

function isInflating({ failure }: Reading): boolean {
  return failure !== undefined && /^(Z_|ERR_)|MESSAGE_LENGTH/.test(failure.code);
}

/** What both did alike, up to where the first of them failed. */
function agree(ours: Reading, theirs: Reading): boolean {
  const both = Math.min(ours.received.length, theirs.received.length);
  const isPrefix =
    JSON.stringify(ours.received.slice(0, both)) === JSON.stringify(theirs.received.slice(0, both));
  if (!isPrefix) return false;
  const longer = ours.received.length - theirs.received.length;
  if (longer > 0) return theirs.failure !== undefined;
  return longer === 0 || ours.failure !== undefined;
}

/** Says how the two differ, or names the difference that is known. */
export function compare(ours: Reading, theirs: Reading): { known?: string; unknown?: string } {
  const isSame =
    ours.failure?.closeCode === theirs.failure?.closeCode &&
    ours.received.length === theirs.received.length;
  if (agree(ours, theirs)) {
    if (isSame) return {};
    const known = knownDifferences.find((difference) => difference.isIt(ours, theirs));
    if (known !== undefined) return { known: known.name };
  }
  const fork = knownForks.find((difference) => difference.isIt(ours, theirs));
  if (fork !== undefined) return { known: fork.name };
  return { unknown: `ours ${shown(ours)}, ws ${shown(theirs)}` };
}

function shown({ received, failure }: Reading): string {
  const kinds = received.map((one) => (one.kind === "close" ? `close ${one.code}` : one.kind));
  const end = failure === undefined ? "no failure" : `${failure.code} ${failure.closeCode}`;
  return `[${kinds.join(" ")}] ${end}`;
}
