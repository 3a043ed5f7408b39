import { afterEach, describe, expect, test, vi } from "vitest";
import { longwire, runLongwire, RunningProgram } from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(() => RunningProgram.endAll());

const soon = { timeout: 12_000, interval: 50 };

async function startServe(port = "0"): Promise<{ serve: RunningProgram; url: string }> {
  const serve = longwire("serve", "--port", port, "--topic", "devices:keyed");
  const [url] = await serve.says(/^ws:\S+/m);
  return { serve, url };
}

/** The records that the topic `devices` holds now. */
async function devicesAt(url: string): Promise<Record<string, unknown>[]> {
  const response = await fetch(`${url.replace("ws:", "http:")}/devices`);
  const { entries } = (await response.json()) as { entries: { data: Record<string, unknown> }[] };
  return entries.map(({ data }) => data);
}

describe("this machine", () => {
  test("the agent reports the machine's data and repeats it every second", async () => {
    const { url } = await startServe();
    longwire("agent", "--url", url, "--name", "rack-7");
    await expect.poll(() => devicesAt(url), soon).toHaveLength(1);
    const [first] = await devicesAt(url);
    expect(first).toMatchObject({
      name: "rack-7",
      deviceType: "machine",
      cpu: { percent: expect.any(Number), cores: expect.any(Number) },
      memory: { total: expect.any(Number), used: expect.any(Number) },
    });
    expect(first?.["interfaces"]).toContainEqual(
      expect.objectContaining({ name: "lo", rxBytesPerSecond: expect.any(Number) }),
    );
    const at = async (): Promise<unknown> => (await devicesAt(url))[0]?.["at"];
    await expect.poll(at, soon).toBeGreaterThanOrEqual((first?.["at"] as number) + 1_800);
  });

  test("a URL without a path, as a browser's address bar has it, means /live", async () => {
    const { url } = await startServe();
    longwire("agent", "--url", `http://${new URL(url).host}/`, "--name", "copied");
    await expect.poll(() => devicesAt(url), soon).toMatchObject([{ name: "copied" }]);
  });

  test("the agent reconnects automatically after the server was away", async () => {
    const { serve, url } = await startServe();
    const agent = longwire("agent", "--url", url, "--name", "patient");
    await agent.says(/reporting patient/);
    await serve.stop("SIGKILL");
    await agent.says(/ECONNREFUSED|refused|lost|closed/i);
    await startServe(new URL(url).port);
    await expect.poll(() => devicesAt(url), soon).toMatchObject([{ name: "patient" }]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends the agent with exit code 0",
    async (signal) => {
      const { url } = await startServe();
      const agent = longwire("agent", "--url", url, "--name", "brief");
      await agent.says(/reporting brief/);
      expect(await agent.stop(signal)).toBe(0);
    },
  );

  test("SIGINT also ends an agent that is waiting for its server", async () => {
    const { serve, url } = await startServe();
    await serve.stop("SIGKILL");
    const agent = longwire("agent", "--url", url);
    await agent.says(/agent: .*\n/);
    expect(await agent.stop("SIGINT")).toBe(0);
  });
});

describe("simulated access points", () => {
  test("--simulate reports that many access points, marked as simulated", async () => {
    const { url } = await startServe();
    longwire("agent", "--url", url, "--simulate", "4");
    await expect.poll(() => devicesAt(url), soon).toHaveLength(4);
    for (const record of await devicesAt(url)) {
      expect(record).toMatchObject({ deviceType: "AP", simulated: true });
      expect(record["name"]).toMatch(/^ap-0[1-4]$/);
    }
  });
});

describe("invalid use", () => {
  test.each([
    ["an invalid URL", ["--url", "nowhere"], /--url.*nowhere/],
    ["an invalid count", ["--simulate", "many"], /--simulate.*many/],
    ["a header without a colon", ["--header", "nothing"], /--header/],
  ])("%s is refused with a message that names it, without a stack", async (_, args, named) => {
    const program = await runLongwire(["agent", ...args]);
    expect(program.stderr).toMatch(named);
    expect(program.stderr).not.toMatch(/^\s+at /m);
    expect(await program.exited).toBe(1);
  });

  test("a server's refusal of reports is printed once, with the server's message", async () => {
    const { url } = await startServe();
    const agent = longwire("agent", "--url", url, "--topic", "nothing-here");
    const [line] = await agent.says(/refused a report: .*/);
    expect(line).toContain("nothing-here");
  });
});
