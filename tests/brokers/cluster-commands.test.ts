import * as v from "valibot";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { updatePresence } from "../../src/live/client/presence/index.ts";
import { handle } from "../../src/live/client/answering/index.ts";
import { WebSocket } from "../../src/client/index.ts";
import { connect, type Live } from "../../src/live/client/index.ts";
import { clientMethod, commandsTopic, connectionsTopic, logTopic } from "../../src/live/index.ts";
import { RunningLive } from "../rigs/live/running-live.ts";
import { type Engine, engines } from "../rigs/brokers/engines.ts";
import { stopEngines } from "../rigs/brokers/engine-process.ts";
import { eventually } from "../rigs/clock/eventually.ts";

afterAll(() => stopEngines());

const anyone = (): boolean => true;

const topics = [
  logTopic("news", { presence: { data: v.object({ status: v.string() }) } }),
  commandsTopic({ authorize: anyone }),
  connectionsTopic({ authorize: anyone }),
];

const clientMethods = { work: clientMethod() };

/** Two live servers with one broker process. */
async function twoNodes({ startDurable, open }: Engine): Promise<[RunningLive, RunningLive]> {
  const { url } = await startDurable();
  const node = async (nodeName: string): Promise<RunningLive> =>
    RunningLive.start({
      topics,
      clientMethods,
      nodeName,
      broker: await open(url),
      authenticate: ({ token }) => (token === undefined ? undefined : { id: token }),
      onError: () => {},
    });
  return [await node("a"), await node("b")];
}

function clientOf(at: RunningLive, token: string): Live {
  const live = connect(at.url(), {
    token,
    webSocket: WebSocket,
    backoff: { firstMs: 20, longestMs: 100 },
  });
  onTestFinished(() => live.close());
  return live;
}

async function isLive(live: Live): Promise<void> {
  await eventually(() => live.status.state).toBe("live");
}

describe.each(engines.filter(([name]) => !name.includes("pattern")))(
  "two servers on one %s",
  (_name, engine) => {
    test("call a client, and all followers of a topic, wherever they are", async () => {
      const [a, b] = await twoNodes(engine);
      const devices = [clientOf(a, "ap-1"), clientOf(b, "ap-2"), clientOf(b, "ap-3")];
      for (const [n, device] of devices.entries()) {
        handle(device, "work", (params) => [n, params]);
        onTestFinished(device.topic("news").subscribe(() => {}));
        await isLive(device);
      }
      const call = () =>
        a.live
          .identity("ap-2")
          .call("work", { x: 1 })
          .catch(({ code }: { code: string }) => code);
      await eventually(call).toEqual([1, { x: 1 }]);
      const answers = async (): Promise<unknown[]> => {
        const all: unknown[] = [];
        for await (const { identity, data } of a.live.followers("news").call("work", 5)) {
          all.push([identity, data]);
        }
        return all.toSorted((a, b) => String(a).localeCompare(String(b)));
      };
      await eventually(answers).toEqual([
        ["ap-1", [0, 5]],
        ["ap-2", [1, 5]],
        ["ap-3", [2, 5]],
      ]);
    });

    test("close connections wherever they are, and refuse revoked credentials", async () => {
      const [a, b] = await twoNodes(engine);
      const [eve, bob] = [clientOf(b, "eve"), clientOf(b, "bob")];
      await Promise.all([isLive(eve), isLive(bob)]);
      await eventually(() => a.live.connections.find({ identity: "eve" }).length).toBe(1);
      expect(a.live.connections.find({ node: "b" })).toHaveLength(2);
      await a.live.connections.revoke({ identity: "eve" }, Date.now() + 60_000);
      await eventually(() => eve.status).toMatchObject({ state: "refused", code: 4401 });
      await eventually(() => a.live.connections.find({ identity: "eve" }).length).toBe(0);
      eve.reconnect();
      await eventually(() => eve.status.state).toBe("refused");
      expect(bob.status.state).toBe("live");
    });

    test("end subscriptions and connections wherever they are, and leave the others alone", async () => {
      const [a, b] = await twoNodes(engine);
      const [ann, bob] = [clientOf(b, "ann"), clientOf(b, "bob")];
      const feeds = [ann, bob].map((client) => client.topic("news"));
      for (const feed of feeds) {
        onTestFinished(
          feed.subscribe(
            () => {},
            () => {},
          ),
        );
      }
      await Promise.all([isLive(ann), isLive(bob)]);
      await eventually(() => a.live.connections.find({ node: "b" }).length).toBe(2);
      await a.live.connections.unsubscribe({ identity: "ann" }, "news");
      await eventually(() => feeds[0]!.status).toMatchObject({ error: { code: "forbidden" } });
      expect(feeds[1]!.status.state).toBe("live");
      const [before] = a.live.connections.find({ identity: "bob" });
      await a.live.connections.disconnect({ identity: "bob" }, { reason: "moved", retry: true });
      await eventually(() => {
        const found = a.live.connections.find({ identity: "bob" });
        return found.length === 1 && found[0]!.connection !== before!.connection;
      }).toBe(true);
      await eventually(() => bob.status.state).toBe("live");
      expect(ann.status.state).toBe("live");
    });

    test("keep the update of a presence that belongs to an identity on both", async () => {
      const [a, b] = await twoNodes(engine);
      const [phone, desk, other] = [clientOf(a, "ann"), clientOf(b, "ann"), clientOf(b, "bob")];
      const present = other.presence("news");
      onTestFinished(present.subscribe(() => {}));
      onTestFinished(phone.topic("news").subscribe(() => {}));
      await isLive(phone);
      await updatePresence(phone, "news", { status: "away" });
      onTestFinished(desk.topic("news").subscribe(() => {}));
      await isLive(desk);
      const statusOf = (): unknown => present.entries.get("ann")?.["status"];
      await eventually(statusOf).toBe("away");
      await updatePresence(desk, "news", { status: "here" });
      await eventually(statusOf).toBe("here");
    });

    test("deliver a command to a client that comes later and elsewhere, in order", async () => {
      const [a, b] = await twoNodes(engine);
      const given = [];
      for (const n of [1, 2, 3]) given.push(await a.live.identity("ap-1").command("work", n));
      const done: unknown[] = [];
      handle(clientOf(b, "ap-1"), "work", (n) => {
        done.push(n);
        return n;
      });
      const outcomes = await Promise.all(given.map((command) => command.outcome()));
      expect(outcomes).toMatchObject([1, 2, 3].map((result) => ({ state: "done", result })));
      expect(done).toEqual([1, 2, 3]);
    });
  },
);
