import { describe, expect, onTestFinished, test } from "vitest";
import { handle } from "../../../../src/live/client/answering/index.ts";
import {
  clientMethod,
  commandsTopic,
  LiveError,
  type CommandInfo,
} from "../../../../src/live/index.ts";
import type { CommandRecord, Live } from "../../../../src/live/client/index.ts";
import { LongwireError } from "../../../../src/base/index.ts";
import { MemoryBroker } from "../../../../src/brokers/memory/index.ts";
import { TestLive } from "../../../../src/testing/index.ts";
import { entering, twoNodes } from "../../../rigs/live/two-nodes.ts";
import { Later, type Guest } from "../../../rigs/live/memory-live.ts";

const options = {
  topics: [
    commandsTopic({
      authorize: ({ identity, params }) =>
        ["boss", params["identity"]].includes((identity as { id: string }).id),
    }),
  ],
  clientMethods: {
    reboot: clientMethod(),
    measure: clientMethod({ isIdempotent: true }),
  },
};

/** A server with clients, which are Longwire's own. */
async function start(given: Partial<Parameters<typeof TestLive.start>[0]> = {}): Promise<TestLive> {
  const live = await TestLive.start({
    ...options,
    ...given,
    authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
  });
  onTestFinished(() => live.close());
  return live as unknown as TestLive;
}

/** Everything that a device has carried out, and the clients that did it. */
class Device {
  readonly done: unknown[] = [];
  saved: CommandRecord | undefined;
  readonly #live: TestLive;

  constructor(live: TestLive) {
    this.#live = live;
  }

  /** Starts a program on it. */
  start(work: (params: unknown) => unknown = () => "ok", isStored = false): Live {
    const client = this.#live.connect({
      token: "ap-7",
      ...(isStored && {
        commands: {
          load: () => this.saved,
          save: (record: CommandRecord) => void (this.saved = structuredClone(record)),
        },
      }),
    });
    for (const method of ["reboot", "measure"]) {
      handle(client, method, (params) => {
        this.done.push(params);
        return work(params);
      });
    }
    return client;
  }
}

async function stateOf(live: TestLive, key: string): Promise<Partial<CommandInfo>> {
  const [command] = [...live.server.topic("$commands").events()].filter(
    (event) => event.key === key,
  );
  return command?.data ?? {};
}

describe("a command", () => {
  test("to a client that is here is carried out, and its answer is shown", async () => {
    const live = await start();
    const device = new Device(live);
    device.start(() => ({ uptimeMs: 5 }));
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", { afterMs: 5 });
    const outcome = command.outcome();
    await live.pass(100);
    expect(await outcome).toMatchObject({
      identity: "ap-7",
      method: "reboot",
      params: { afterMs: 5 },
      state: "done",
      result: { uptimeMs: 5 },
    });
    expect(device.done).toEqual([{ afterMs: 5 }]);
    expect(live.server.statistics).toMatchObject({ asked: 1, commands: { done: 1 } });
  });

  test("waits for a client that is away, and those of one client keep their order", async () => {
    const live = await start();
    const device = new Device(live);
    const given: string[] = [];
    for (const n of [1, 2, 3]) {
      given.push((await live.server.identity("ap-7").command("reboot", n)).key);
    }
    await live.pass(3_600_000);
    for (const key of given) expect(await stateOf(live, key)).toMatchObject({ state: "pending" });
    device.start();
    await live.pass(1_000);
    expect(device.done).toEqual([1, 2, 3]);
    for (const key of given) expect(await stateOf(live, key)).toMatchObject({ state: "done" });
    await live.pass(3_700_000);
    for (const key of given) expect(await stateOf(live, key)).toEqual({});
  });

  test("that the client fails on is failed, with the client's code", async () => {
    const live = await start();
    const device = new Device(live);
    device.start(() => {
      throw new LongwireError("updating", "An update is running.");
    });
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot");
    await live.pass(100);
    expect(await command.outcome()).toMatchObject({
      state: "failed",
      error: { code: "updating", message: expect.stringContaining("An update is running.") },
    });
  });

  test("expires if nobody comes in time, and is not carried out later", async () => {
    const live = await start();
    const device = new Device(live);
    const command = await live.server
      .identity("ap-7")
      .command("reboot", 0, { expiresInMs: 60_000 });
    const outcome = command.outcome();
    await live.pass(80_000);
    expect((await outcome).state).toBe("expired");
    device.start();
    await live.pass(1_000);
    expect(device.done).toEqual([]);
    expect(await command.withdraw()).toBe(true);
  });

  test("can be withdrawn until it is delivered", async () => {
    const live = await start();
    const device = new Device(live);
    const [first, second] = [
      await live.server.identity("ap-7").command("reboot", 1),
      await live.server.identity("ap-7").command("reboot", 2),
    ];
    expect(await live.server.command(first.key).withdraw()).toBe(true);
    const work = new Later<void>();
    device.start(() => work.promise);
    await live.pass(100);
    expect(device.done).toEqual([2]);
    expect(await second.withdraw()).toBe(false);
    work.resolve();
    await live.pass(100);
    expect((await second.outcome()).state).toBe("done");
    expect((await first.outcome()).state).toBe("withdrawn");
  });

  test("with an idempotency key is one, however often it is given", async () => {
    const live = await start();
    const device = new Device(live);
    const give = () =>
      live.server.identity("ap-7").command("reboot", 1, { idempotencyKey: "night/1" });
    const keys = await Promise.all([give(), give()]);
    device.start();
    await live.pass(600_000);
    const third = await give();
    expect(new Set([...keys, third].map(({ key }) => key)).size).toBe(1);
    const other = await live.server
      .identity("ap-8")
      .command("reboot", 1, { idempotencyKey: "night/1" });
    expect(other.key).not.toBe(third.key);
    await live.pass(1_000);
    expect(device.done).toEqual([1]);
  });

  test.each([
    ["nosuch", {}, "unknown_method"],
    ["reboot", { expiresInMs: 0 }, "invalid_limit"],
  ])("for %s with %o is refused with %s", async (method, given, code) => {
    const live = await start();
    const told = live.server.identity("ap-7").command(method, 0, given);
    await expect(told).rejects.toMatchObject({ code });
  });

  test("that leaves no room for its outcome is refused", async () => {
    const live = await start({ maxMessageBytes: 20_000 });
    const give = (length: number) =>
      live.server.identity("ap-7").command("reboot", "x".repeat(length));
    await expect(give(19_000)).rejects.toMatchObject({ code: "too_large" });
    const { key } = await give(18_700);
    const device = new Device(live);
    device.start();
    await live.pass(1_000);
    expect(await stateOf(live, key)).toMatchObject({ state: "done" });
  });

  test("whose handler fails with unconfirmed is failed, and not repeated", async () => {
    const live = await start();
    const device = new Device(live);
    device.start(() => {
      throw new LongwireError("unconfirmed", "Its own call was not answered.");
    });
    await live.pass(100);
    const commands = [
      await live.server.identity("ap-7").command("reboot", 1),
      await live.server.identity("ap-7").command("measure", 2),
    ];
    await live.pass(1_000);
    for (const command of commands) {
      expect(await command.outcome()).toMatchObject({ state: "failed" });
    }
    expect(device.done).toEqual([1, 2]);
  });

  test("that the broker has lost is unknown to whoever waits for it", async () => {
    const lost = { now: (): void => {} };
    const live = await start({
      broker: (clock) => {
        const broker = new MemoryBroker({ clock });
        return {
          openTopic: (declaration, follow, onLost) => {
            if (declaration.name !== "$commands") return broker.openTopic(declaration, follow);
            lost.now = () => onLost?.();
            return new MemoryBroker({ clock }).openTopic(declaration, follow);
          },
          close: () => broker.close(),
        };
      },
    });
    const command = await live.server.identity("ap-7").command("reboot");
    const outcome = expect(command.outcome()).rejects.toMatchObject({ code: "unknown_command" });
    lost.now();
    await live.pass(1_000);
    await outcome;
  });

  test("needs the topic $commands", async () => {
    const live = await TestLive.start({ topics: [], clientMethods: options.clientMethods });
    onTestFinished(() => live.close());
    const told = live.server.identity("ap-7").command("reboot");
    await expect(told).rejects.toMatchObject({ code: "unknown_topic" });
  });

  test("is shown to whoever may see it, narrowed by the identity", async () => {
    const live = await start();
    await live.server.identity("ap-7").command("reboot", 1);
    await live.server.identity("ap-8").command("reboot", 2);
    const own = live.connect({ token: "ap-7" });
    const seen: unknown[] = [];
    own.topic("$commands", { identity: "ap-7" }).subscribe((item) => {
      seen.push((item as { data: CommandInfo }).data.params);
    });
    let refusal: { code?: string } = {};
    own.topic("$commands").subscribe(
      () => {},
      (error) => (refusal = error as { code?: string }),
    );
    await live.pass(1_000);
    expect([seen, refusal.code]).toEqual([[1], "forbidden"]);
  });
});

describe("a command that was delivered", () => {
  test("is asked for again over another connection, and carried out once", async () => {
    const live = await start();
    const device = new Device(live);
    const work = new Later<string>();
    device.start(() => work.promise);
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", 1);
    const next = await live.server.identity("ap-7").command("reboot", 2);
    await live.pass(100);
    live.network.cut();
    await live.pass(30_000);
    expect(await stateOf(live, command.key)).toMatchObject({ state: "delivered" });
    expect(await stateOf(live, next.key)).toMatchObject({ state: "pending" });
    work.resolve("done at last");
    await live.pass(1_000);
    expect(await command.outcome()).toMatchObject({ state: "done", result: "done at last" });
    expect(device.done).toEqual([1, 2]);
  });

  test("whose answer was lost is answered again, and carried out once", async () => {
    const live = await start();
    const device = new Device(live);
    device.start(() => {
      live.network.cut();
      return "ok";
    });
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", 1);
    await live.pass(60_000);
    expect(await command.outcome()).toMatchObject({ state: "done", result: "ok" });
    expect(device.done).toEqual([1]);
  });

  test("takes as long as it takes", async () => {
    const live = await start();
    const device = new Device(live);
    const work = new Later<string>();
    device.start(() => work.promise);
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", 1);
    await live.pass(500_000);
    work.resolve("slow");
    await live.pass(60_000);
    expect(await command.outcome()).toMatchObject({ state: "done", result: "slow" });
    expect(device.done).toEqual([1]);
  });

  test("is unconfirmed if the client ended before it answered, and the next one goes on", async () => {
    const live = await start();
    const device = new Device(live);
    const before = device.start(() => new Promise(() => {}));
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", 1);
    const next = await live.server.identity("ap-7").command("reboot", 2);
    await live.pass(100);
    before.close();
    device.start();
    await live.pass(10_000);
    expect((await command.outcome()).state).toBe("unconfirmed");
    expect((await next.outcome()).state).toBe("done");
    expect(device.done).toEqual([1, 2]);
  });

  test("is carried out again by another run if its method is idempotent", async () => {
    const live = await start();
    const device = new Device(live);
    const before = device.start(() => new Promise(() => {}));
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("measure", 1);
    await live.pass(100);
    before.close();
    device.start();
    await live.pass(10_000);
    expect((await command.outcome()).state).toBe("done");
    expect(device.done).toEqual([1, 1]);
  });

  test("is known to the next run of a client with a store", async () => {
    const live = await start();
    const device = new Device(live);
    // It ends after its work and before its answer.
    const before: Live = device.start(() => {
      before.close();
      return "ok";
    }, true);
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", 1);
    await live.pass(100);
    device.start(() => "never", true);
    await live.pass(10_000);
    expect(await command.outcome()).toMatchObject({ state: "done", result: "ok" });
    expect(device.done).toEqual([1]);
  });

  test("is unconfirmed if such a client ended at work", async () => {
    const live = await start();
    const device = new Device(live);
    const before = device.start(() => new Promise(() => {}), true);
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", 1);
    await live.pass(100);
    before.close();
    device.start(() => "ok", true);
    await live.pass(10_000);
    expect((await command.outcome()).state).toBe("unconfirmed");
    expect(device.done).toEqual([1]);
  });

  test("is carried out again by a client with a store if its method is idempotent", async () => {
    const live = await start();
    const device = new Device(live);
    const before = device.start(() => new Promise(() => {}), true);
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("measure", 1);
    await live.pass(100);
    before.close();
    device.start(() => "again", true);
    await live.pass(10_000);
    expect(await command.outcome()).toMatchObject({ state: "done", result: "again" });
    expect(device.done).toEqual([1, 1]);
  });

  test("whose answer cannot be stored is failed, and the next one goes on", async () => {
    const live = await start({ maxMessageBytes: 20_000 });
    const device = new Device(live);
    device.start((n) => (n === 1 ? "x".repeat(19_900) : "ok"));
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", 1);
    const next = await live.server.identity("ap-7").command("reboot", 2);
    await live.pass(1_000);
    expect(await command.outcome()).toMatchObject({
      state: "failed",
      error: { code: "invalid_answer" },
    });
    expect((await next.outcome()).state).toBe("done");
  });

  test("to a client that never returns is unconfirmed when it expires", async () => {
    const live = await start();
    const device = new Device(live);
    const client = device.start(() => new Promise(() => {}));
    await live.pass(100);
    const command = await live.server
      .identity("ap-7")
      .command("reboot", 1, { expiresInMs: 60_000 });
    await live.pass(70_000);
    // It is still at work.
    expect(await stateOf(live, command.key)).toMatchObject({ state: "delivered" });
    client.close();
    await live.pass(20_000);
    expect((await command.outcome()).state).toBe("unconfirmed");
  });

  test("is known to the next run of a client whose first command it was", async () => {
    const live = await start();
    const device = new Device(live);
    const before = device.start(() => "ok", true);
    await live.pass(100);
    // It ends before the command reaches it.
    live.network.goDown("silent");
    const command = await live.server.identity("ap-7").command("reboot", 1);
    await live.pass(100);
    before.close();
    live.network.comeBack();
    device.start(() => "ok", true);
    await live.pass(120_000);
    expect(await command.outcome()).toMatchObject({ state: "done", result: "ok" });
    expect(device.done).toEqual([1]);
  });

  test("waits for a client that has withdrawn its offers while at work", async () => {
    const live = await start();
    const work = new Later<string>();
    const first = live.connect({ token: "ap-7" });
    const stop = handle(first, "reboot", () => work.promise);
    await live.pass(100);
    const command = await live.server.identity("ap-7").command("reboot", 1);
    await live.pass(100);
    stop();
    new Device(live).start();
    await live.pass(20_000);
    work.resolve("ok");
    await live.pass(1_000);
    expect(await command.outcome()).toMatchObject({ state: "done", result: "ok" });
  });

  test("outlives the server", async () => {
    const live = await start();
    const device = new Device(live);
    const work = new Later<string>();
    device.start(() => work.promise);
    await live.pass(100);
    const { key } = await live.server.identity("ap-7").command("reboot", 1);
    await live.pass(100);
    await live.restart();
    work.resolve("ok");
    await live.pass(120_000);
    expect(await stateOf(live, key)).toMatchObject({ state: "done", result: "ok" });
    expect(device.done).toEqual([1]);
  });
});

describe("a store that fails", () => {
  test("is reported and read again; until then the client gets calls", async () => {
    const live = await start();
    let loads = 0;
    const client = live.connect({
      token: "ap-7",
      commands: {
        load: () => {
          loads += 1;
          if (loads === 1) throw new Error("The disk is away.");
          return undefined;
        },
        save: () => {},
      },
    });
    const reported: unknown[] = [];
    const before = globalThis.reportError;
    globalThis.reportError = (error) => void reported.push(error);
    onTestFinished(() => void (globalThis.reportError = before));
    handle(client, "reboot", () => "ok");
    await live.pass(100);
    expect(reported).toMatchObject([{ message: "The disk is away." }]);
    const called = live.server.identity("ap-7").call("reboot");
    await live.pass(100);
    expect(await called).toBe("ok");
    const command = await live.server.identity("ap-7").command("reboot");
    await live.pass(10_000);
    live.network.cut();
    await live.pass(30_000);
    expect((await command.outcome()).state).toBe("done");
  });
});

describe("on two servers", () => {
  const offering = async (node: Parameters<typeof entering>[0], run?: string): Promise<Guest> => {
    const guest = await entering(node, "ap-7");
    await guest.send({ type: "offers", id: "o", methods: ["reboot"], ...(run && { run }) });
    guest.take();
    return guest;
  };

  test("a command goes to the client, wherever it was given", async () => {
    const [a, b] = await twoNodes(options);
    const guest = await offering(b, "r-1");
    const command = await a.live.identity("ap-7").command("reboot", 1);
    await b.settle();
    const [request] = guest.take();
    expect(request).toMatchObject({ type: "request", command: command.key, params: 1 });
    await guest.send({ type: "response", id: request!["id"], data: "ok" });
    await a.settle();
    expect(await command.outcome()).toMatchObject({ state: "done", result: "ok" });
  });

  test("another run does not take what the first is still at work on", async () => {
    const [a, b] = await twoNodes(options);
    const first = await offering(a, "r-1");
    const command = await a.live.identity("ap-7").command("reboot", 1);
    await a.settle();
    const [request] = first.take();
    const second = await offering(b, "r-2");
    await a.pass(20_000);
    await b.settle();
    expect(second.types()).not.toContain("request");
    await first.send({ type: "response", id: request!["id"], data: "ok" });
    await a.settle();
    expect((await command.outcome()).state).toBe("done");
  });

  test("the same run takes it over, while the old connection is still open", async () => {
    const [a, b] = await twoNodes(options);
    const first = await offering(a, "r-1");
    const command = await a.live.identity("ap-7").command("reboot", 1);
    await a.settle();
    const [request] = first.take();
    const second = await entering(b, "ap-7");
    await second.send({ type: "offers", id: "o", methods: ["reboot"], run: "r-1" });
    expect(second.take().find(({ type }) => type === "request")).toMatchObject({
      command: command.key,
    });
    // Its late answer over the old connection is the same, and changes nothing.
    await first.send({ type: "response", id: request!["id"], data: "ok" });
    await second.send({ type: "response", id: 1, data: "ok" });
    await a.settle();
    expect(await command.outcome()).toMatchObject({ state: "done", result: "ok" });
  });

  test("a command is sent by one server only, even if both take their client for the newest", async () => {
    const [a, b] = await twoNodes({ ...options, delayMs: 3_000 });
    const onB = await offering(b, "r-2");
    await a.pass(4_000);
    // Nobody learns of this offer, and the other server learns of everything late.
    a.broker.refuseOnly("$offers", new LiveError("unavailable", "Away."));
    const onA = await offering(a, "r-1");
    const command = await a.live.identity("ap-7").command("reboot", 1);
    await a.settle();
    const [request] = onA.take();
    expect(request).toMatchObject({ type: "request", command: command.key });
    await a.pass(4_000);
    await b.settle();
    expect(onB.types()).not.toContain("request");
  });

  test("a client that does not say its run gets none", async () => {
    const [a, b] = await twoNodes(options);
    const guest = await offering(b);
    await a.live.identity("ap-7").command("reboot", 1);
    await b.pass(20_000);
    expect(guest.types()).not.toContain("request");
  });
});
