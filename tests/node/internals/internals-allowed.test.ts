import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

test.each([
  ["1", false],
  ["0", true],
  ["", true],
])("LONGWIRE_PUBLIC_API_ONLY=%s: internals are allowed: %s", async (value, expected) => {
  vi.stubEnv("LONGWIRE_PUBLIC_API_ONLY", value);
  vi.resetModules();
  const { areInternalsAllowed } = await import("../../../src/node/internals/allowed.ts");
  const { canRunSynchronously } = await import("../../../src/node/internals/sync-zlib.ts");
  expect(areInternalsAllowed()).toBe(expected);
  expect(canRunSynchronously()).toBe(expected);
});
