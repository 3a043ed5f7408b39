import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runLongwire, type RunningProgram } from "../rigs/processes/running-program.ts";

/** A module in a folder of its own, which goes with the test. */
function moduleFile(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), "longwire-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "api.mjs");
  writeFileSync(file, source);
  return file;
}

function run(...args: string[]): Promise<RunningProgram> {
  return runLongwire(["asyncapi", ...args]);
}

test("asyncapi prints the document of the API that a module exports", async () => {
  const file = moduleFile('export const api = { topics: [{ kind: "log", name: "news" }] };');
  const program = await run(file, "--title", "News", "--url", "wss://news.example/live");
  expect(await program.exited).toBe(0);
  expect(JSON.parse(program.stdout)).toMatchObject({
    asyncapi: "3.0.0",
    info: { title: "News" },
    channels: { news: { address: "/live/news" } },
  });
});

test("asyncapi accepts the name of another export", async () => {
  const file = moduleFile('export const mine = { topics: [{ kind: "keyed", name: "rooms/:r" }] };');
  const program = await run(file, "--export", "mine");
  expect(program.stdout).toContain("/live/rooms/{r}");
});

test.each([
  ["no such file", () => "/no/such/api.mjs", [], "no/such/api.mjs cannot be loaded"],
  ["a module that throws", () => moduleFile("throw new Error('broken\\nbadly');"), [], "(broken)"],
  [
    "no such export",
    () => moduleFile("export const other = 1;"),
    [],
    "exports other; export const api",
  ],
  [
    "an export that is not an API",
    () => moduleFile("export const api = { topics: [1] };"),
    [],
    "export const api = { topics",
  ],
  [
    "an invalid URL",
    () => moduleFile("export const api = { topics: [] };"),
    ["--url", "x"],
    "--url is x",
  ],
])(
  "asyncapi with %s: one line that says what to do, and exit 1",
  async (_name, file, args, seen) => {
    const program = await run(file(), ...args);
    expect(await program.exited).toBe(1);
    expect(program.stderr).toContain(seen);
    expect(program.stderr.trim().split("\n")).toHaveLength(1);
  },
);
