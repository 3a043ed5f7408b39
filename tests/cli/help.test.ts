import { afterEach, describe, expect, test, vi } from "vitest";
import {
  longwireInTerminal,
  runLongwire,
  RunningProgram,
} from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => RunningProgram.endAll());

const escape = "\u001b";
const commands = ["serve", "connect", "echo", "agent", "asyncapi"];

describe("longwire --help", () => {
  test("lists every command with a description, on stdout, exit code 0", async () => {
    const program = await runLongwire(["--help"]);
    for (const command of commands) {
      expect(program.stdout).toMatch(new RegExp(`^ +${command} .*  [a-z].{20,}$`, "m"));
    }
    expect(await program.exited).toBe(0);
  });

  test.each([
    [
      "serve",
      ["--port", "--host", "--topic", "--data", "--cert", "--key", "--origin", "Examples:"],
    ],
    ["connect", ["--param", "--protocol", "--header", "--json", "/ping", "/close", "Examples:"]],
    ["echo", ["--port", "--host"]],
    ["agent", ["--url", "--name", "--simulate", "Examples:"]],
    ["asyncapi", ["--export", "--title", "--api-version", "--url", "Examples:"]],
  ])("%s --help lists its options and shows examples", async (command, words) => {
    const program = await runLongwire([command, "--help"]);
    for (const word of ["Usage:", ...words]) expect(program.stdout).toContain(word);
    expect(await program.exited).toBe(0);
  });
});

describe("unknown commands and options", () => {
  test.each([
    ["no command", []],
    ["an unknown command", ["srve"]],
    ["an unknown option", ["--verson"]],
  ])("%s: a message and a pointer to the help on stderr, exit code 1", async (_, args) => {
    const program = await runLongwire(args);
    expect(program.stdout).toBe("");
    expect(program.stderr).toContain("help");
    expect(program.stderr).not.toMatch(/^\s+at /m);
    expect(await program.exited).toBe(1);
  });

  test("a misspelt command is answered with a suggestion", async () => {
    expect((await runLongwire(["srve"])).stderr).toContain("Did you mean serve?");
  });
});

test("--version prints the package's version", async () => {
  expect((await runLongwire(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

describe("colours", () => {
  test("are not used if the output is not a terminal", async () => {
    const outputs = await Promise.all([
      runLongwire(["--help"]),
      runLongwire(["connect", "ws://127.0.0.1:1/"]),
      runLongwire(["connect", "--json", "ws://127.0.0.1:1/"]),
      runLongwire(["nonsense"]),
    ]);
    for (const { output } of outputs) expect(output).not.toContain(escape);
  });

  test("are used in a terminal", async () => {
    const program = longwireInTerminal("connect", "ws://127.0.0.1:1/");
    await program.exited;
    expect(program.stdout).toContain(`${escape}[31m`);
  });
});
