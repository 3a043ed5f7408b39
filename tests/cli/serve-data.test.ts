import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import { DataFolder } from "../rigs/brokers/disk-folder.ts";
import { eventually } from "../rigs/clock/eventually.ts";
import { OpenSocket } from "../rigs/sockets/open-socket.ts";
import {
  longwire,
  runLongwire,
  RunningProgram,
  type Exit,
} from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => RunningProgram.endAll());
afterAll(() => DataFolder.removeAll());

const root = resolve(import.meta.dirname, "../..");
const protocols = ["longwire.v1"];

async function startServe(data: string): Promise<{ serve: RunningProgram; url: string }> {
  const topics = ["--topic", "alerts:log", "--topic", "devices:keyed"];
  const serve = longwire("serve", "--port", "0", "--data", data, ...topics);
  const [url] = await serve.says(/^wss?:\S+/m);
  return { serve, url };
}

const events = (socket: OpenSocket): unknown[] =>
  socket.json.filter(({ type }) => type === "event").map(({ data }) => data);

test.each([
  ["killed", "SIGKILL", "SIGKILL"],
  ["stopped", "SIGTERM", 0],
] as [string, NodeJS.Signals, Exit][])(
  "a server that is %s returns with everything it acknowledged, and its clients continue without a gap",
  async (_, signal, exit) => {
    const { path: data } = new DataFolder();
    const before = await startServe(data);
    const client = await OpenSocket.open(before.url, { protocols });
    client.sendJson({ type: "subscribe", id: 1, topic: "alerts" });
    client.sendJson({ type: "publish", id: 2, topic: "devices", key: "a", data: { on: true } });
    for (const n of [1, 2, 3]) {
      const publish = { type: "publish", id: 10 + n, topic: "alerts", data: n };
      client.sendJson({ ...publish, idempotencyKey: `${n}` });
    }
    await eventually(() => client.json.filter(({ type }) => type === "published")).toHaveLength(4);
    const { epoch } = client.json.find(({ type }) => type === "subscribed") as { epoch: string };
    expect(await before.serve.stop(signal)).toBe(exit);

    const after = await startServe(data);
    const again = await OpenSocket.open(after.url, { protocols });
    again.sendJson({ type: "subscribe", id: 1, topic: "alerts", since: { epoch, offset: 2 } });
    // It does not know that this was answered.
    const repeated = { type: "publish", id: 13, topic: "alerts", data: 3, idempotencyKey: "3" };
    again.sendJson(repeated);
    again.sendJson({ type: "publish", id: 14, topic: "alerts", data: 4 });
    await eventually(() => events(again)).toEqual([3, 4]);
    expect(again.json.find(({ type }) => type === "subscribed")).toMatchObject({
      epoch,
      resumed: true,
    });
    await eventually(() => again.json.find(({ id }) => id === 13)).toMatchObject({
      type: "published",
      offset: 3,
    });
    const reader = await OpenSocket.open(`${after.url}/devices?on=true`);
    await eventually(() => reader.json).toEqual([{ on: true }]);
    expect(await after.serve.stop()).toBe(0);
  },
);

test("a folder that another server uses results in one line and exit code 1", async () => {
  const { path: data } = new DataFolder();
  const { serve } = await startServe(data);
  const second = await runLongwire(["serve", "--port", "0", "--data", data]);
  expect(await second.exited).toBe(1);
  expect(second.output).toMatch(
    /^longwire: The folder .* is used by another process; stop that process, or use another folder \(.*\)\.\n$/,
  );
  await serve.stop();
});

test("two places for topics result in one line and exit code 1", async () => {
  const { path: data } = new DataFolder();
  const program = await runLongwire(["serve", "--data", data, "--broker", "redis://127.0.0.1"]);
  expect(await program.exited).toBe(1);
  expect(program.output).toBe(
    "longwire: Both data and broker (or LONGWIRE_BROKER) are given; give only one.\n",
  );
});

test("without the package classic-level, the error says what to install", async () => {
  const folder = mkdtempSync(join(tmpdir(), "longwire-without-level-"));
  try {
    cpSync(join(root, "dist"), join(folder, "dist"), { recursive: true });
    cpSync(join(root, "package.json"), join(folder, "package.json"));
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(join(root, "node_modules/commander"), join(folder, "node_modules/commander"));
    const main = join(folder, "dist/cli/main.js");
    const program = new RunningProgram(process.execPath, [main, "serve", "--data", "data"]);
    expect(await program.exited).toBe(1);
    expect(program.output).toBe(
      "longwire: This broker needs the package classic-level, which is not installed; run npm install classic-level.\n",
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
