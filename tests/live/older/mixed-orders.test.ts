import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { handle } from "../../../src/live/client/answering/index.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { describeWithOlder, thisVersion } from "../../rigs/live/older-version.ts";
import { dataOf, openClient, untilLive, untilReplaced } from "./clients.ts";
import { closeNodes, type Pair, startPair, storages } from "./nodes.ts";

afterAll(closeNodes);

await describeWithOlder("what a new server orders, beside an old one", (older) => {
  describe.each(storages)("on one %s", (_name, start) => {
    let nodes: Pair;

    beforeAll(async () => {
      nodes = await startPair(older, await start());
      return () => expect([nodes.old.errors, nodes.new.errors]).toEqual([[], []]);
    });

    test("does not reach clients of the old one", async () => {
      const { connections } = nodes.new.live;
      const eve = openClient(older, nodes.old, { token: "eve" });
      const bob = openClient(thisVersion, nodes.new, { token: "bob" });
      const [ofEve, ofBob] = [dataOf(eve, "news"), dataOf(bob, "news")];
      await Promise.all([untilLive(eve), untilLive(bob)]);
      await eventually(() => connections.find({ identity: "bob" }).length).toBe(1);
      expect(connections.find({ identity: "eve" })).toEqual([]);
      for (const identity of ["eve", "bob"]) {
        await connections.unsubscribe({ identity }, "devices");
        await untilLive(bob);
        await connections.disconnect({ identity });
        await connections.recheck({ identity });
      }
      await eventually(() => bob.sockets.length).toBe(2);
      await untilLive(bob);
      // By the time that it has this event, the old server has read what was stored before.
      await nodes.new.topic("news").publish("after");
      await eventually(() => [ofEve, ofBob]).toEqual([["after"], ["after"]]);
      expect(eve.sockets).toHaveLength(1);
    });

    test("refuses revoked identities as soon as they move to the new one", async () => {
      const eve = openClient(older, nodes.old, { token: "revoked" });
      const news = dataOf(eve, "news");
      await untilLive(eve);
      const { connections } = nodes.new.live;
      await connections.revoke({ identity: "revoked" }, Date.now() + 60_000);
      await nodes.new.topic("news").publish("after");
      await eventually(() => news).toEqual(["after"]);
      await untilReplaced(eve, () => eve.cut());
      eve.direct(nodes.new);
      eve.cut();
      await eventually(() => eve.live.status).toMatchObject({ state: "refused", code: 4401 });
    });

    test("waits for clients of the old one, and reaches them when they have moved", async () => {
      // The old server does not support its offer.
      vi.stubGlobal("reportError", () => {});
      onTestFinished(() => void vi.unstubAllGlobals());
      const device = openClient(thisVersion, nodes.old, { token: "ap-7" });
      const done: unknown[] = [];
      handle(device.live, "reboot", (n) => done.push(n));
      await untilLive(device);
      const ap = nodes.new.live.identity("ap-7");
      const given = [await ap.command("reboot", 1), await ap.command("reboot", 2)];
      await expect(ap.call("reboot", 0)).rejects.toMatchObject({ code: "not_offered" });
      expect(done).toEqual([]);
      device.direct(nodes.new);
      await untilReplaced(device, () => device.cut());
      for (const command of given) expect(await command.outcome()).toMatchObject({ state: "done" });
      expect(done).toEqual([1, 2]);
      expect(await ap.call("reboot", 3)).toBe(3);
    });

    test("is not in topics that clients of the old one can read", async () => {
      const { live } = openClient(older, nodes.old, { token: "ann" });
      const names = ["$commands", "$connections", "$nodes", "$orders", "$revocations", "$cluster"];
      for (const name of names) {
        const refused = new Promise((resolve) => live.topic(name).subscribe(() => {}, resolve));
        expect(await refused).toMatchObject({ code: "unknown_topic" });
      }
    });
  });
});
