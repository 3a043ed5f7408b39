import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { RunningProgram } from "../rigs/processes/running-program.ts";
import { Chromium, patience, rowOf } from "../rigs/processes/chromium.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

const script = fileURLToPath(new URL("../../scripts/cluster.mjs", import.meta.url));

let chromium: Chromium;
beforeAll(async () => (chromium = await Chromium.launch()));
afterAll(() => chromium.close());
afterEach(() => RunningProgram.endAll());

test.each(["nats", "redis"])(
  "npm run cluster on %s: the monitor behind haproxy with two nodes; when one is killed, the page continues, and the node returns",
  async (broker) => {
    const args = ["--broker", broker, "--nodes", "2", "--simulate", "3", "--port", "0"];
    const cluster = new RunningProgram(process.execPath, [script, ...args]);
    const [, url] = await cluster.says(/on 2 nodes: (http:\S+)\//);
    const pids = await Promise.all(
      [1, 2].map(async (at) => Number((await cluster.says(new RegExp(`node ${at} .* (\\d+)`)))[1])),
    );
    await cluster.says(/Ctrl-C/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);

    const visit = await chromium.visit(url!);
    const online = (): Promise<number> =>
      visit
        .rows()
        .then((rows) => Object.values(rows).filter((isOnline) => isOnline === "true").length);
    await expect.poll(online, patience).toBe(4);
    // Whichever of them the page is connected to.
    for (const pid of pids) {
      process.kill(pid, "SIGKILL");
      await cluster.says(new RegExp(`is back: process (?!${pids.join("|")})\\d+`));
      const traffic = (): Promise<string | undefined> =>
        visit.text("device-value-txBits", rowOf("ap-01"));
      const before = await traffic();
      await expect.poll(traffic, patience).not.toBe(before);
      await expect
        .poll(() => visit.attribute("connection-pill", "data-state"), patience)
        .toBe("live");
      await expect.poll(online, patience).toBe(4);
      cluster.stdout = "";
    }
    expect(visit.errors).toEqual([]);
    await visit.leave();
    cluster.process.kill("SIGINT");
    expect(await cluster.exited).toBe(0);
  },
);
