import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { updatePresence } from "../../../src/live/client/presence/index.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { describeWithOlder, thisVersion, type Version } from "../../rigs/live/older-version.ts";
import type { RunningLive } from "../../rigs/live/running-live.ts";
import {
  dataOf,
  entriesOf,
  openClient,
  type TestClient,
  untilLive,
  untilReplaced,
} from "./clients.ts";
import { closeNodes, type Pair, startPair, storages } from "./nodes.ts";

afterAll(closeNodes);

await describeWithOlder("an old and a new server", (older) => {
  describe.each(storages)("on one %s", (_name, start) => {
    let nodes: Pair;

    beforeAll(async () => {
      nodes = await startPair(older, await start());
      return () => expect([nodes.old.errors, nodes.new.errors]).toEqual([[], []]);
    });

    test("see the same events in the same order, and each publish once", async () => {
      const clients = [
        openClient(older, nodes.old, { token: "ann" }),
        openClient(thisVersion, nodes.new, { token: "bob" }),
      ];
      const logs = clients.map((client) => dataOf(client, "news"));
      const views = clients.map((client) => entriesOf(client, "devices"));
      await Promise.all(clients.map(untilLive));
      const published = clients.flatMap(({ live }, of) =>
        Array.from({ length: 50 }, (_, n) => [
          live.publish("news", { of, n }),
          live.set("devices", `k${n % 5}`, { of, n }),
          live.set("devices", `gone/${of}`, n),
        ]),
      );
      await Promise.all(published.flat());
      await Promise.all(clients.map(({ live }, of) => live.remove("devices", `gone/${1 - of}`)));
      for (const log of logs) await eventually(() => log.length).toBe(100);
      expect(logs[0]).toEqual(logs[1]);
      for (const of of [0, 1]) {
        const own = (logs[0] as { of: number; n: number }[]).filter((event) => event.of === of);
        expect(own.map(({ n }) => n)).toEqual(Array.from({ length: 50 }, (_, n) => n));
      }
      const keys = ["k0", "k1", "k2", "k3", "k4"];
      for (const view of views) {
        await eventually(() => Object.keys(view()).toSorted()).toEqual(keys);
      }
      await eventually(() => views[0]!()).toEqual(views[1]!());
      // The repeat of a publish whose answer was lost reaches the other server.
      const repeated = { idempotencyKey: "once" };
      const cat = [nodes.old, nodes.new].map((at) =>
        openClient(thisVersion, at, { token: "cat" }).live.publish("news", "once", repeated),
      );
      const receipts = await Promise.all(cat);
      expect(receipts[0]!.offset).toBe(receipts[1]!.offset);
      expect(receipts.filter(({ duplicate }) => duplicate)).toHaveLength(1);
    });

    test("show the clients of both as present, until they leave", async () => {
      const ann = openClient(older, nodes.old, { token: "ann" });
      const bob = openClient(thisVersion, nodes.new, { token: "bob" });
      for (const client of [ann, bob]) entriesOf(client, "devices");
      const present = [ann, bob].map((client) => entriesOf(client, "devices/$presence"));
      const both = { ann: { name: "ann" }, bob: { name: "bob" } };
      for (const each of present) await eventually(each).toMatchObject(both);
      await updatePresence(bob.live, "devices", { status: "away" });
      for (const each of present) await eventually(each).toMatchObject({ bob: { status: "away" } });
      ann.live.close();
      await eventually(() => Object.keys(present[1]!())).toEqual(["bob"]);
      const carl = openClient(older, nodes.old, { token: "carl" });
      const seen = entriesOf(carl, "devices/$presence");
      await eventually(seen).toMatchObject({ bob: { status: "away" } });
      bob.live.close();
      await eventually(seen).toEqual({});
    });

    test("show an identity as present until its clients of both have left", async () => {
      const seen = [nodes.old, nodes.new].map((at) =>
        entriesOf(openClient(thisVersion, at, { token: "bob" }), "devices/$presence"),
      );
      const expectSeen = async (present: Record<string, object>): Promise<void> => {
        for (const each of seen) await eventually(each).toEqual(present);
      };
      const since = expect.any(Number) as number;
      const [plain, away] = [
        { name: "ann", since },
        { name: "ann", status: "away", since, updated: ["status"] },
      ];
      const join = async (version: Version, at: RunningLive): Promise<TestClient> => {
        const client = openClient(version, at, { token: "ann" });
        entriesOf(client, "devices");
        await untilLive(client);
        return client;
      };
      const old = await join(older, nodes.old);
      await expectSeen({ ann: plain });
      const young = await join(thisVersion, nodes.new);
      await updatePresence(young.live, "devices", { status: "away" });
      await expectSeen({ ann: away });
      young.live.close();
      await expectSeen({ ann: plain });
      old.live.close();
      await expectSeen({});
      const first = await join(thisVersion, nodes.new);
      await updatePresence(first.live, "devices", { status: "away" });
      await expectSeen({ ann: away });
      // An old server does not know updates, and replaces the entry.
      const last = await join(older, nodes.old);
      await expectSeen({ ann: plain });
      await updatePresence(first.live, "devices", { status: "away" });
      await expectSeen({ ann: away });
      last.live.close();
      first.live.close();
      await expectSeen({});
    });

    test("remove the keys of a connection when it ends", async () => {
      const watching = [
        openClient(older, nodes.old, { token: "ann" }),
        openClient(thisVersion, nodes.new, { token: "bob" }),
      ];
      const views = watching.map((client) => entriesOf(client, "owned"));
      const old = openClient(older, nodes.old, { token: "eve" });
      const young = openClient(thisVersion, nodes.new, { token: "mallory" });
      await old.live.set("owned", "old", 1);
      await young.live.set("owned", "new", 1);
      for (const view of views) await eventually(view).toEqual({ old: 1, new: 1 });
      old.live.close();
      for (const view of views) await eventually(view).toEqual({ new: 1 });
      young.live.close();
      for (const view of views) await eventually(view).toEqual({});
    });

    test.each<[string, (older: Version) => Version]>([
      ["an old client", (version) => version],
      ["a new client", () => thisVersion],
    ])("%s that moves between them receives each event once and in order", async (_who, of) => {
      const client = openClient(of(older), nodes.old, { token: "ann" });
      const news = dataOf(client, "news");
      const devices = entriesOf(client, "devices");
      await untilLive(client);
      const both = [nodes.old, nodes.new];
      for (let n = 0; n < 60; n += 1) {
        const publish = async (): Promise<void> => {
          await both[n % 2]!.topic("news").publish(n);
          await both[n % 2]!.topic("devices").set("last", n);
        };
        if (n % 10 !== 5) {
          await publish();
          continue;
        }
        client.direct(both[Math.ceil(n / 10) % 2]!);
        await untilReplaced(client, () => {
          client.cut();
          return publish();
        });
      }
      await eventually(() => news).toEqual(Array.from({ length: 60 }, (_, n) => n));
      await eventually(devices).toMatchObject({ last: 59 });
    });

    // The last one, because it closes a server.
    test("keep nothing that belongs to the connections of a closed server", async () => {
      const ann = openClient(older, nodes.old, { token: "ann" });
      const bob = openClient(thisVersion, nodes.new, { token: "bob" });
      const owned = entriesOf(ann, "owned");
      await bob.live.set("owned", "bob", 1);
      await eventually(owned).toEqual({ bob: 1 });
      await nodes.new.close();
      await eventually(owned).toEqual({});
    });
  });
});
