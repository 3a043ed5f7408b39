import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { handle } from "../../src/live/client/answering/index.ts";
import { WebSocket } from "../../src/client/index.ts";
import { connect, type Live } from "../../src/live/client/index.ts";
import type { CommandInfo, ConnectionInfo } from "../../src/live/index.ts";
import { MonitorProcess } from "../rigs/processes/monitor-process.ts";
import { RunningProgram } from "../rigs/processes/running-program.ts";
import { OpenSocket } from "../rigs/sockets/open-socket.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

const soon = { timeout: 10_000, interval: 20 };

/** An origin whose pages may use the topics. */
const friend = "https://docs.example";

let monitor: MonitorProcess;
beforeAll(async () => (monitor = await MonitorProcess.startEmpty("--origin", friend)));
afterAll(() => RunningProgram.endAll());

/** A client on this machine; with a device's name, its agent. */
function enter(device?: string): Live {
  const query = device === undefined ? "" : `?device=${device}`;
  const live = connect(`${monitor.liveUrl}${query}`, { webSocket: WebSocket });
  onTestFinished(() => live.close());
  return live;
}

/** A device that can restart, and reports once so that the monitor knows it. */
async function device(name: string): Promise<{ live: Live; restarts: string[] }> {
  const live = enter(name);
  const restarts: string[] = [];
  handle(live, "restart", (_, { command }) => {
    restarts.push(command ?? "a call");
    return { awaySeconds: 3 };
  });
  await live.set("devices", name, { name, deviceType: "AP", actions: ["restart"] });
  return { live, restarts };
}

/** A device that was here and is offline. */
async function deviceAway(name: string): Promise<void> {
  const { live } = await device(name);
  live.close();
  const online = async (): Promise<unknown> => (await monitor.topic("inventory"))[name]?.["online"];
  await expect.poll(online, soon).toBe(false);
}

let requests = 0;

/** Asks for a restart of each device, and returns the commands' keys. */
async function restart(page: Live, devices: string[], request?: string): Promise<string[]> {
  requests += 1;
  const asked = { devices, action: { name: "restart" }, request: request ?? `r${requests}` };
  const given = (await page.call("command", asked)) as { device: string; command: string }[];
  expect(given.map((one) => one.device)).toEqual(devices);
  return given.map(({ command }) => command);
}

/** Follows the commands to a device, as its page does. */
function commandsOf(page: Live, identity: string): (key: string) => CommandInfo | undefined {
  const feed = page.topic("$commands", { identity });
  feed.subscribe(() => {});
  return (key) => (feed.entries as ReadonlyMap<string, CommandInfo>).get(key);
}

describe("commands", () => {
  test("one request gives one command to each device, and shows its answer", async () => {
    const page = enter();
    const devices = [await device("first"), await device("second")];
    const keys = await restart(page, ["first", "second"]);
    const first = commandsOf(page, "first");
    await expect
      .poll(() => first(keys[0]!), soon)
      .toMatchObject({ state: "done", result: { awaySeconds: 3 } });
    expect(first(keys[1]!)).toBeUndefined();
    await expect
      .poll(() => devices.map(({ restarts }) => restarts), soon)
      .toEqual([[keys[0]], [keys[1]]]);
  });

  test("a command to an offline device waits, and is carried out when the device is back", async () => {
    const page = enter();
    await deviceAway("sleeper");
    const [key] = await restart(page, ["sleeper"]);
    const shown = commandsOf(page, "sleeper");
    await expect.poll(() => shown(key!)?.state, soon).toBe("pending");
    const { restarts } = await device("sleeper");
    await expect.poll(() => shown(key!)?.state, soon).toBe("done");
    expect(restarts).toEqual([key]);
  });

  test("a command that was withdrawn is never carried out", async () => {
    const page = enter();
    await deviceAway("spared");
    const [withdrawn, kept] = [
      ...(await restart(page, ["spared"])),
      ...(await restart(page, ["spared"])),
    ];
    expect(await page.call("withdraw", { command: withdrawn })).toBe(true);
    const shown = commandsOf(page, "spared");
    await expect.poll(() => shown(withdrawn!)?.state, soon).toBe("withdrawn");
    const { restarts } = await device("spared");
    await expect.poll(() => shown(kept!)?.state, soon).toBe("done");
    expect(restarts).toEqual([kept]);
  });

  test("a request that is repeated gives no second command", async () => {
    const page = enter();
    await deviceAway("once");
    const first = await restart(page, ["once"], "same");
    expect(await restart(page, ["once"], "same")).toEqual(first);
  });

  test("an action that a device does not offer is refused, and so is one for an unknown device", async () => {
    const page = enter();
    await device("plain");
    for (const [name, action] of [
      ["plain", { name: "measure" }],
      ["nobody", { name: "restart" }],
    ] as const) {
      const asked = page.call("command", { devices: [name], action, request: "x" });
      await expect(asked).rejects.toMatchObject({
        code: "bad_request",
        message: expect.stringContaining(name),
      });
    }
  });
});

describe("connections", () => {
  test("a connection is shown, and can be ended, with a code after which its client returns", async () => {
    const page = enter();
    const feed = page.topic("$connections");
    feed.subscribe(() => {});
    const { live } = await device("ended");
    const connections = (): string[] =>
      [...(feed.entries as ReadonlyMap<string, ConnectionInfo>)]
        .filter(([, { identity }]) => identity === "ended")
        .map(([key]) => key);
    await expect.poll(connections, soon).toHaveLength(1);
    const [connection] = connections();
    const codes: unknown[] = [];
    live.onStatus((status) => {
      if (status.state === "offline") codes.push(status.code);
    });
    await page.call("disconnect", { connection });
    await expect.poll(connections, soon).toEqual([]);
    expect(codes).toEqual([1012]);
    expect(page.status.state).toBe("live");
  });

  test("a client learns which connection is its own", async () => {
    const page = enter();
    const feed = page.topic("$connections");
    feed.subscribe(() => {});
    const me = (await page.call("me")) as { connection: string; mayAct: boolean };
    expect(me.mayAct).toBe(true);
    await expect.poll(() => [...feed.entries.keys()], soon).toContain(me.connection);
  });
});

describe("pages of another site that may use the topics", () => {
  let page: OpenSocket;
  beforeAll(async () => {
    const url = monitor.liveUrl;
    page = await OpenSocket.open(url, { origin: friend, protocols: ["longwire.v1"] });
  });

  const answer = async (message: Record<string, unknown>): Promise<unknown> => {
    requests += 1;
    const id = `q${requests}`;
    page.sendJson({ ...message, id });
    const found = (): unknown => page.json.find((one) => one["id"] === id);
    await expect.poll(found, soon).toBeDefined();
    return found();
  };

  test("see devices, and neither connections nor commands", async () => {
    expect(await answer({ type: "subscribe", topic: "devices" })).toMatchObject({
      type: "subscribed",
    });
    for (const topic of ["$connections", "$nodes", "$commands"]) {
      const refused = await answer({ type: "subscribe", topic });
      expect(refused, topic).toMatchObject({ type: "error", code: "forbidden" });
    }
  });

  test.each([
    ["command", { devices: ["x"], action: { name: "restart" }, request: "x" }],
    ["withdraw", { command: "x" }],
    ["disconnect", { connection: "x" }],
  ])("may not %s", async (method, params) => {
    const refused = await answer({ type: "call", method, params });
    expect(refused).toMatchObject({ type: "error", code: "forbidden" });
  });
});

test("only a device can offer actions", async () => {
  const visitor = await OpenSocket.open(monitor.liveUrl, { protocols: ["longwire.v1"] });
  visitor.sendJson({ type: "offers", id: "o", methods: ["restart"], run: "r" });
  await expect
    .poll(() => visitor.json.find(({ id }) => id === "o"), soon)
    .toMatchObject({ type: "error", code: "forbidden" });
});

test("the presence of viewers/DEVICE counts browsers, however many tabs they have open", async () => {
  const browser = async (): Promise<string> =>
    (await fetch(monitor.url)).headers.get("set-cookie")?.split(";")[0] ?? "";
  const [one, other] = [await browser(), await browser()];
  for (const cookie of [one, one, other]) {
    const headers = { cookie };
    const tab = await OpenSocket.open(monitor.liveUrl, { protocols: ["longwire.v1"], headers });
    tab.sendJson({ type: "subscribe", id: 1, topic: "viewers/rack-7" });
  }
  const viewers = enter().presence("viewers/rack-7");
  viewers.subscribe(() => {});
  await expect.poll(() => viewers.entries.size, soon).toBe(2);
});
