const NAME = /^[A-Za-z0-9._~/-]{1,255}$/;

/** Names with this beginning are reserved for what the server itself writes. */
const RESERVED = "$";

/** A parameter of a pattern, such as `:site`. */
const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/;

/** The suffix of a topic's presence. */
const PRESENCE = "/$presence";

/**
 * Whether `name` is a valid topic name: 1–255 of `A-Z a-z 0-9 . _ ~ / -`, no slash at either end.
 */
export function isTopicName(name: string): boolean {
  return NAME.test(name) && !name.startsWith("/") && !name.endsWith("/");
}

/** Whether a name is reserved for what the server itself writes, such as `$connections`. */
export function isReserved(name: string): boolean {
  return name.startsWith(RESERVED);
}

/** Whether `name` can be declared: a topic name whose parts may be parameters. */
export function isTopicPattern(name: string): boolean {
  const parts = name.split("/");
  const parameters = parts.filter((part) => part.startsWith(":"));
  if (new Set(parameters).size < parameters.length) return false;
  if (!parameters.every((part) => PARAMETER.test(part))) return false;
  return isTopicName(parts.map((part) => (part.startsWith(":") ? "x" : part)).join("/"));
}

/** Whether a declared name is a pattern. */
export function hasParameters(pattern: string): boolean {
  return pattern.includes(":");
}

/** The values of a pattern's parameters in a topic's name. */
export type NameParameters = Readonly<Record<string, string>>;

/** Matches a topic's name with `pattern`; `undefined` if it does not match. */
export function readName(pattern: string, name: string): NameParameters | undefined {
  const parts = name.split("/");
  const wanted = pattern.split("/");
  if (parts.length !== wanted.length) return undefined;
  const parameters: [string, string][] = [];
  for (const [at, part] of wanted.entries()) {
    const given = parts[at]!;
    if (part.startsWith(":") && given !== "") parameters.push([part.slice(1), given]);
    else if (part !== given) return undefined;
  }
  return Object.fromEntries(parameters);
}

/** How the sets of names of two patterns relate. */
export type Overlap = "none" | "equal" | "first-narrower" | "second-narrower" | "partial";

/** Compares the sets of names that two patterns match. */
export function overlapOf(first: string, second: string): Overlap {
  const ones = first.split("/");
  const others = second.split("/");
  if (ones.length !== others.length) return "none";
  let isFirstNarrower = false;
  let isSecondNarrower = false;
  for (const [at, one] of ones.entries()) {
    const other = others[at]!;
    const [isOneOpen, isOtherOpen] = [one.startsWith(":"), other.startsWith(":")];
    if (!isOneOpen && !isOtherOpen && one !== other) return "none";
    if (!isOneOpen && isOtherOpen) isFirstNarrower = true;
    if (isOneOpen && !isOtherOpen) isSecondNarrower = true;
  }
  if (isFirstNarrower) return isSecondNarrower ? "partial" : "first-narrower";
  return isSecondNarrower ? "second-narrower" : "equal";
}

export function presenceOf(topic: string): string {
  return topic + PRESENCE;
}

/** Returns the topic whose presence `name` is; `undefined` if it is not a presence. */
export function topicOfPresence(name: string): string | undefined {
  return name.endsWith(PRESENCE) ? name.slice(0, -PRESENCE.length) : undefined;
}
