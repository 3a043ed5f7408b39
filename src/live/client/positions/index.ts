export type { PositionStore } from "./position-store.ts";
export { savePositions, type SavedPositions } from "./saved-positions.ts";
