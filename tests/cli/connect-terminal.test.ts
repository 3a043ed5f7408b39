import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { startEcho } from "./echo-server.ts";
import { longwireInTerminal, plain, RunningProgram } from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

let url = "";
beforeAll(async () => ({ url } = await startEcho()));
const sessions: RunningProgram[] = [];
afterEach(async () => {
  for (const session of sessions.splice(0)) await session.stop("SIGKILL");
});
afterAll(() => RunningProgram.endAll());

/** A person at a terminal, connected to the echo server. */
async function connected(): Promise<RunningProgram> {
  const session = longwireInTerminal("connect", url);
  sessions.push(session);
  await session.says(/\/help lists the commands\n> $/);
  return session;
}

test("sent and received messages are shown with time and direction, in colour", async () => {
  const session = await connected();
  session.type("hello\r");
  await session.says(/← hello/);
  expect(plain(session.stdout)).toMatch(/\d\d:\d\d:\d\d → hello\n(?:> )?\d\d:\d\d:\d\d ← hello/);
  expect(session.stdout).toContain("\u001b[32m←\u001b[39m");
});

test("/ping shows the round trip", async () => {
  const session = await connected();
  session.type("/ping\r");
  await session.says(/pong after \d+\.\d ms/);
});

test("/close with code and reason closes with them and exits with code 0", async () => {
  const session = await connected();
  session.type("/close 4001 so long\r");
  expect(await session.exited).toBe(0);
  expect(plain(session.stdout)).toMatch(/closed with 4001, so long\n$/);
});

test("/close with a code that clients may not send prints the valid codes, and the connection stays", async () => {
  const session = await connected();
  session.type("/close 1002\r");
  await session.says(/use 1000 or a code from 3000 to 4999/);
  session.type("still here\r");
  await session.says(/← still here/);
});

test("an unknown command is not sent; a doubled slash sends the line with a single one", async () => {
  const session = await connected();
  session.type("/nonsense\r");
  await session.says(/unknown command \/nonsense/);
  session.type("//nonsense\r");
  await session.says(/← \/nonsense/);
  expect(plain(session.stdout).match(/→/g)).toHaveLength(1);
});

test.each([
  ["Ctrl-C", "\u0003"],
  ["Ctrl-D", "\u0004"],
])("%s closes with 1000 and exits with code 0, without leaving a prompt", async (_, key) => {
  const session = await connected();
  session.type(key);
  expect(await session.exited).toBe(0);
  expect(plain(session.stdout)).toMatch(/closed with 1000\n$/);
});

test("a half-typed line, even of several rows, stays in place when a message arrives", async () => {
  const session = await connected();
  const long = "x".repeat(100);
  session.type(`first\r${long}`);
  await session.says(/← first/);
  session.type("-end\r");
  await session.says(/← x{100}-end/);
});

test("a refused connection in a terminal ends with exit code 1 and no prompt", async () => {
  const session = longwireInTerminal("connect", "ws://127.0.0.1:1/");
  sessions.push(session);
  expect(await session.exited).toBe(1);
  expect(plain(session.stdout)).toMatch(/^\d\d:\d\d:\d\d ✗ [^\n]+\n$/);
});
