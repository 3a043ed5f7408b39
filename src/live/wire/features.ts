/** An addition to the first version of the protocol, which a server lists in its `welcome`. */
export type Feature = "requests" | "commands" | "presence" | "history" | "rate";

const ALWAYS: readonly Feature[] = ["requests", "presence", "history", "rate"];

/** Those of a server. @param hasCommands whether it declares `$commands` */
export function featuresOf(hasCommands: boolean): readonly Feature[] {
  return hasCommands ? [...ALWAYS, "commands"] : ALWAYS;
}
