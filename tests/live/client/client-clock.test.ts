import { expect, onTestFinished, test, vi } from "vitest";
import { clientClock } from "../../../src/live/client/client-clock.ts";

test("a client's clock asks for no time that is over, of which newer Nodes warn", async () => {
  const set = vi.spyOn(globalThis, "setTimeout");
  onTestFinished(() => set.mockRestore());
  await new Promise<void>((resolve) => void clientClock().after(-0.01, resolve));
  expect(set.mock.calls.map(([, delayMs]) => delayMs)).toEqual([0]);
});
