import { afterAll } from "vitest";
import { DiskBroker } from "../../../src/brokers/disk/index.ts";
import { VirtualClock } from "../../rigs/clock/virtual-clock.ts";
import { describeBroker } from "../../rigs/brokers/broker-contract.ts";
import { DataFolder } from "../../rigs/brokers/disk-folder.ts";
import { countRecords } from "./disk-records.ts";

const WINDOW_MS = 300_000;

afterAll(() => DataFolder.removeAll());

describeBroker("the disk broker", async () => {
  const clock = new VirtualClock();
  const { path: folder } = new DataFolder();
  const broker = await DiskBroker.open({ folder, clock, sync: false });
  return {
    broker,
    // A folder is one process's.
    another: () => Promise.resolve(broker),
    kill: () => {},
    passWindow: () => clock.advance(WINDOW_MS + 1),
    pass: (ms) => clock.pass(ms),
    kept: async () => {
      const counts = Object.values(await countRecords(folder));
      return counts.reduce((sum, count) => sum + count, 0);
    },
  };
});
