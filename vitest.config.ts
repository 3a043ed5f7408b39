import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // On two cores; many files wait more than they compute.
    maxWorkers: 3,
    // Generous: the machine may be busy, and what hangs fails all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
