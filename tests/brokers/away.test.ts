import { afterEach, expect, test } from "vitest";
import { engines } from "../rigs/brokers/engines.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { closeAll } from "../rigs/brokers/node.ts";

afterEach(closeAll);

test.each(engines)(
  "a broker on %s is away while its engine is, and no longer",
  async (_name, { start, open }) => {
    const server = await start();
    const broker = await open(server.url);
    expect(broker.isAway).toBe(false);
    await server.kill();
    await eventually(() => broker.isAway).toBe(true);
    await server.restart();
    await eventually(() => broker.isAway).toBe(false);
    await broker.close();
    expect(broker.isAway).toBe(true);
  },
);
