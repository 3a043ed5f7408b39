import { systemClock, TimerWheel } from "../../base/index.ts";

/** Runs the timeouts of all clients in this process. */
export const clientWheel: TimerWheel = new TimerWheel(systemClock);
