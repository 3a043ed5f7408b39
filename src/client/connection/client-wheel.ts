import { systemClock, TimerWheel } from "../../base/index.ts";

/** The deadlines of all clients of this process. */
export const clientWheel: TimerWheel = new TimerWheel(systemClock);
