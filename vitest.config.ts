import { configDefaults, defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/**
 * Tests that leave nothing behind share one world per worker: the modules that they import are read
 * once and not for every file, which saves a quarter of the processor time.
 */
const SHARED = [
  "base",
  "protocol",
  "topics",
  "live/client",
  "live/server",
  "live/wire",
  "testing",
  "conformance",
  "ws",
].map((folder) => `tests/${folder}/**/*.test.ts`);

/** Counts the work of the compression that all servers of a process share. */
const APART = ["tests/live/server/sessions/compressed-lanes.test.ts"];

interface Files {
  include: string[];
  exclude?: string[];
  isolate?: boolean;
}

function project(name: string, { exclude = [], ...files }: Files): TestProjectInlineConfiguration {
  const test = { name, ...files, exclude: [...configDefaults.exclude, ...exclude] };
  return { extends: true, test };
}

export default defineConfig({
  test: {
    // By default it is one less than there are cores; but many files wait more than they compute.
    // With three, two cores are so busy that brokers and browsers answer too late.
    maxWorkers: 2,
    // Generous: the machine may be busy, and what hangs fails all the same.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      project("shared", { include: SHARED, exclude: APART, isolate: false }),
      project("own", { include: ["tests/**/*.test.ts"], exclude: SHARED }),
      project("apart", { include: APART }),
    ],
  },
});
