import type { Reading } from "./reading.ts";

/** A case in which Longwire and the package `ws` read the same bytes differently. */
interface KnownDifference {
  name: string;
  reason: string;
  isIt(ours: Reading, theirs: Reading): boolean;
}

/** Failures by these names, for which both usually close with the same code. */
const knownDifferences: readonly KnownDifference[] = [
  {
    name: "padded length",
    reason:
      "ws accepts a payload length in a longer form than necessary; RFC 6455 §5.2 forbids it.",
    isIt: (ours) => ours.failure?.code === "padded_length",
  },
  {
    name: "length with its highest bit",
    reason: "ws rejects it for its size, with 1009; RFC 6455 §5.2 requires the bit to be 0.",
    isIt: (ours, theirs) =>
      ours.failure?.code === "negative_length" && theirs.failure?.closeCode === 1009,
  },
  {
    name: "text refused early",
    reason:
      "ws checks text when the message is complete; Longwire rejects it at its first invalid octet.",
    isIt: (ours) => ours.failure?.code === "invalid_utf8",
  },
  {
    name: "inflated early",
    reason: "ws inflates each fragment as it arrives; Longwire inflates the complete message.",
    isIt: (ours, theirs) => isInflating(theirs) && ours.received.length >= theirs.received.length,
  },
  {
    name: "data behind a final block",
    reason:
      "ws drops data after a final block; RFC 7692 §7.2.3.4 allows more blocks, so Longwire reads it.",
    isIt: (ours, theirs) =>
      ours.failure?.code === "invalid_deflate" && theirs.received.length >= ours.received.length,
  },
  {
    name: "too many fragments",
    reason:
      "ws counts a fragment when it is complete and closes with 1008; Longwire on its header, with 1009.",
    isIt: (ours) => ours.failure?.code === "too_many_fragments",
  },
  {
    name: "header read early",
    reason: "ws checks a header by its first two octets; Longwire when it is complete.",
    isIt: (ours, theirs) => ours.failure === undefined && theirs.failure !== undefined,
  },
];

/** Differences after which a stream may continue differently. */
const knownForks: readonly KnownDifference[] = [
  {
    name: "final block under a kept window",
    reason:
      "After a message that ends with a final block, ws delivers an empty one; Longwire starts over.",
    isIt: ({ restarts }) => restarts > 0,
  },
];

function isInflating({ failure }: Reading): boolean {
  return failure !== undefined && /^(Z_|ERR_)|MESSAGE_LENGTH/.test(failure.code);
}

/** Returns the events that are equal, up to the first failure. */
function agree(ours: Reading, theirs: Reading): boolean {
  const both = Math.min(ours.received.length, theirs.received.length);
  const isPrefix =
    JSON.stringify(ours.received.slice(0, both)) === JSON.stringify(theirs.received.slice(0, both));
  if (!isPrefix) return false;
  const longer = ours.received.length - theirs.received.length;
  if (longer > 0) return theirs.failure !== undefined;
  return longer === 0 || ours.failure !== undefined;
}

/** Returns the difference between the two, or the name of a known difference. */
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
