const NAME = /^[A-Za-z0-9._~/-]{1,255}$/;

/** A parameter of a pattern, such as `:site`. */
const PARAMETER = /^:[A-Za-z_][A-Za-z0-9_]*$/;

/** What follows a topic's name in that of its companion, which tells who is subscribed. */
const PRESENCE = "/$presence";

/** Says whether `name` can name a topic: 1–255 of `A-Z a-z 0-9 . _ ~ / -`, no slash at an end. */
export function isTopicName(name: string): boolean {
  return NAME.test(name) && !name.startsWith("/") && !name.endsWith("/");
}

/** Says whether `name` can be declared: a topic's name, of which parts may be parameters. */
export function isTopicPattern(name: string): boolean {
  const parts = name.split("/");
  const parameters = parts.filter((part) => part.startsWith(":"));
  if (new Set(parameters).size < parameters.length) return false;
  if (!parameters.every((part) => PARAMETER.test(part))) return false;
  return isTopicName(parts.map((part) => (part.startsWith(":") ? "x" : part)).join("/"));
}

/** Says whether a declared name stands for many. */
export function hasParameters(pattern: string): boolean {
  return pattern.includes(":");
}

/** What a topic's name holds for each parameter of the pattern that it fits. */
export type NameParameters = Readonly<Record<string, string>>;

/** Reads a topic's name as `pattern` has it; `undefined` if it does not fit. */
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

/** How the names of two patterns lie to one another. */
export type Overlap = "none" | "equal" | "first-narrower" | "second-narrower" | "partial";

/** Says which names two patterns share, and whether one stands for all names of the other. */
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

/** The topic whose subscribers `name` tells of, if it is such a name. */
export function topicOfPresence(name: string): string | undefined {
  return name.endsWith(PRESENCE) ? name.slice(0, -PRESENCE.length) : undefined;
}
