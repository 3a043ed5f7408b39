import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import {
  clientMethod,
  type CommandInfo,
  commandsTopic,
  keyedTopic,
  LiveServer,
} from "../../src/live/index.ts";
import { WebSocketServer } from "../../src/server/index.ts";
import { RunningLive } from "../rigs/live/running-live.ts";
import { longwire, runLongwire, RunningProgram } from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const soon = { timeout: 12_000, interval: 20 };

describe("agents of a server that asks for all actions", () => {
  let live: LiveServer;
  let server: WebSocketServer;

  beforeAll(async () => {
    live = await LiveServer.open({
      broker: new MemoryBroker(),
      topics: [
        keyedTopic("devices", { clientPublish: true, keyLifetime: "connection" }),
        commandsTopic({ authorize: () => true }),
      ],
      clientMethods: {
        measure: clientMethod(),
        reportEvery: clientMethod(),
        restart: clientMethod(),
      },
      authenticate: ({ query }) => ({ id: query.get("device") ?? "nobody" }),
    });
    server = new WebSocketServer(live.endpoint("/live"));
    const { port } = await server.listen();
    const url = `ws://127.0.0.1:${port}/live`;
    longwire("agent", "--url", url, "--name", "careful");
    longwire("agent", "--url", url, "--name", "allowed", "--allow", "restart");
    longwire("agent", "--url", url, "--simulate", "2");
  });
  afterAll(async () => {
    await RunningProgram.endAll();
    await server.close({ timeoutMs: 200 });
    await live.close();
  });

  /** Waits for a device's report, and returns the actions that it lists. */
  async function reportedActions(device: string): Promise<unknown> {
    const report = (): unknown => live.topic("devices").get(device);
    await expect.poll(report, soon).toBeDefined();
    return (report() as { actions?: unknown }).actions;
  }

  /** Gives a command and waits until it is over. */
  async function outcomeOf(device: string, method: string, params?: unknown): Promise<CommandInfo> {
    return (await live.identity(device).command(method, params)).outcome();
  }

  test("an agent without --allow offers what does no harm, and no restart", async () => {
    expect(await reportedActions("careful")).toEqual(["measure", "reportEvery"]);
    expect(await outcomeOf("careful", "measure")).toMatchObject({
      state: "done",
      result: { name: "careful", cpu: { percent: expect.any(Number) } },
    });
    await expect(live.identity("careful").call("restart")).rejects.toMatchObject({
      code: "not_offered",
    });
  });

  test("an agent reports as often as it is asked to", async () => {
    const done = await outcomeOf("careful", "reportEvery", { seconds: 0.2 });
    expect(done).toMatchObject({ state: "done", result: { seconds: 0.2 } });
    const times: number[] = [];
    live.topic("devices").onEvent(({ key, removed, data }) => {
      if (key !== "careful" || removed) return;
      const { at, reportsEvery } = data as { at: number; reportsEvery: number };
      if (reportsEvery === 0.2) times.push(at);
    });
    await expect.poll(() => times.length, soon).toBeGreaterThan(5);
    expect((times.at(-1)! - times[0]!) / (times.length - 1)).toBeLessThan(800);
  });

  test.each([{ seconds: 0 }, { seconds: 3_600 }, { seconds: "1" }, undefined])(
    "an agent refuses to report every %o",
    async (params) => {
      const refused = await outcomeOf("careful", "reportEvery", params);
      expect(refused).toMatchObject({ state: "failed", error: { code: "invalid_params" } });
    },
  );

  test("an agent with --allow restart goes offline, returns, and answers when it is back", async () => {
    expect(await reportedActions("allowed")).toEqual(["measure", "reportEvery", "restart"]);
    const seen: string[] = [];
    live.topic("devices").onEvent(({ key, removed }) => {
      if (key === "allowed") seen.push(removed ? "offline" : "report");
    });
    expect(await outcomeOf("allowed", "restart")).toMatchObject({
      state: "done",
      result: { awaySeconds: 1 },
    });
    expect(seen).toContain("offline");
    await expect.poll(() => seen.at(-1), soon).toBe("report");
  });

  test("simulated access points offer all actions, and each carries out its own commands", async () => {
    expect(await reportedActions("ap-01")).toEqual(["measure", "reportEvery", "restart"]);
    await reportedActions("ap-02");
    const [first, second] = await Promise.all([
      outcomeOf("ap-01", "measure"),
      outcomeOf("ap-02", "restart"),
    ]);
    expect(first).toMatchObject({ state: "done", result: { name: "ap-01" } });
    expect(second).toMatchObject({ state: "done", result: { awaySeconds: expect.any(Number) } });
  });
});

describe("other servers and options", () => {
  afterEach(() => RunningProgram.endAll());

  test("a server that asks for no actions receives reports all the same, and nothing is logged", async () => {
    const running = await RunningLive.start({
      topics: [keyedTopic("devices", { clientPublish: true })],
    });
    const agent = longwire("agent", "--url", running.url(), "--name", "rack-7");
    const at = (): unknown =>
      (running.topic("devices").get("rack-7") as { at?: number } | undefined)?.at;
    await expect.poll(at, soon).toBeDefined();
    const first = at();
    await expect.poll(at, soon).not.toBe(first);
    expect(agent.stderr).toMatch(/^agent: reporting rack-7 to \S+\n$/);
  });

  test("an action that --allow does not know is refused with those that it knows", async () => {
    const program = await runLongwire(["agent", "--allow", "explode"]);
    expect(program.stderr).toMatch(/--allow.*explode.*restart/);
    expect(await program.exited).toBe(1);
  });
});
