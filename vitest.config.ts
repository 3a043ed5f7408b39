import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // By default it is one less than there are cores; but many files wait more than they compute.
    // With three, two cores are so busy that brokers and browsers answer too late.
    maxWorkers: 2,
    // Generous: the machine may be busy, and what hangs fails all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
