import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Generous: the machine may be busy, and what hangs fails all the same.
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
