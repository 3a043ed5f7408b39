export type { AppTimers } from "./app-timers.ts";
export type { MemoryConnection, Noticed } from "./memory-connection.ts";
export { MemoryNetwork } from "./memory-network.ts";
export { MemoryWebSocket } from "./memory-web-socket.ts";
export type { SettleOptions } from "./settle.ts";
export { TestLive } from "./test-live.ts";
export type { TestLiveOptions } from "./test-live.ts";
export { VirtualClock } from "./virtual-clock.ts";
export type { Carriage } from "./wire.ts";
