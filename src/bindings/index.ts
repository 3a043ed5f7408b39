export { oncePerTurn } from "./once-per-turn.ts";
export type { Schedule } from "./once-per-turn.ts";
