import { afterAll, beforeAll, vi } from "vitest";
import { RunningProgram } from "../rigs/processes/running-program.ts";
import { Chromium } from "../rigs/processes/chromium.ts";
import { MonitorProcess } from "../rigs/processes/monitor-process.ts";

/** A running monitor and a browser; there from a file's first test to its last. */
export interface MonitorInChromium {
  readonly chromium: Chromium;
  readonly monitor: MonitorProcess;
}

/** Runs the device `rack-7` and three simulated access points for all tests of a file. */
export function monitorInChromium(): MonitorInChromium {
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
  const shown = {} as { chromium: Chromium; monitor: MonitorProcess };
  beforeAll(async () => {
    [shown.chromium, shown.monitor] = await Promise.all([
      Chromium.launch(),
      MonitorProcess.start("--simulate", "3", "--name", "rack-7"),
    ]);
  });
  afterAll(async () => {
    await shown.chromium.close();
    await RunningProgram.endAll();
  });
  return shown;
}
