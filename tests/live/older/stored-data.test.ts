import { afterAll, describe, expect, test } from "vitest";
import { handle } from "../../../src/live/client/answering/index.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { describeWithOlder, thisVersion, type Version } from "../../rigs/live/older-version.ts";
import { dataOf, entriesOf, openClient, untilLive } from "./clients.ts";
import { closeNodes, durableStorages, startNode, type TestNode } from "./nodes.ts";

afterAll(closeNodes);

const loggedBy = (node: TestNode): unknown[] =>
  [...node.topic("news").events()].map(({ offset, data }) => [offset, data]);

await describeWithOlder("old and new servers", (older) => {
  describe.each(durableStorages)("on one %s", (_name, start) => {
    test("read what the others stored, and end the leases of those that were killed", async () => {
      const storage = await start();
      const options = { serverLeaseMs: 600 };
      let node = await startNode(older, storage, options);
      const clients = [older, thisVersion].map((version) =>
        openClient(version, node, { token: "ann" }),
      );
      const logs = clients.map((client) => dataOf(client, "news"));
      const views = clients.map((client) => entriesOf(client, "devices"));
      const owned = entriesOf(clients[1]!, "owned");
      const present = entriesOf(clients[1]!, "devices/$presence");
      await Promise.all(clients.map(untilLive));
      const expected: unknown[] = ["once"];
      const publishOn = async (at: number): Promise<void> => {
        const once = { idempotencyKey: "once" };
        const receipt = await clients[at % 2]!.live.publish("news", "once", once);
        expect(receipt).toEqual({ offset: 1, duplicate: at > 0 });
        for (const n of [1, 2]) {
          const data = `${n} at ${at}`;
          await node.topic("news").publish(data);
          expected.push(data);
        }
        await clients[at % 2]!.live.set("devices", `set at ${at}`, at);
        if (at > 0) await clients[at % 2]!.live.remove("devices", `set at ${at - 1}`);
        for (const log of logs) await eventually(() => log).toEqual(expected);
        for (const view of views) await eventually(view).toEqual({ [`set at ${at}`]: at });
      };
      const replaceBy = async (version: Version): Promise<void> => {
        await clients[0]!.live.set("owned", "lamp", "on");
        const guest = openClient(older, node, { token: "guest" });
        entriesOf(guest, "devices");
        await eventually(() => Object.keys(present()).toSorted()).toEqual(["ann", "guest"]);
        await node.kill();
        guest.live.close();
        await node.close();
        await storage.restart();
        node = await startNode(version, storage, options);
        expect(loggedBy(node)).toEqual(expected.map((data, n) => [n + 1, data]));
        for (const client of clients) client.direct(node);
        await Promise.all(clients.map(untilLive));
        await eventually(owned).toEqual({});
        await eventually(() => Object.keys(present())).toEqual(["ann"]);
      };
      await publishOn(0);
      await replaceBy(thisVersion);
      await publishOn(1);
      const { key } = await node.live.identity("ap-7").command("reboot");
      await node.live.connections.revoke({ identity: "eve" }, Date.now() + 60_000);
      await replaceBy(older);
      await publishOn(2);
      await replaceBy(thisVersion);
      await publishOn(3);
      handle(openClient(thisVersion, node, { token: "ap-7" }).live, "reboot", () => "done");
      expect(await node.live.command(key).outcome()).toMatchObject({ result: "done" });
      const eve = openClient(older, node, { token: "eve" });
      await eventually(() => eve.live.status).toMatchObject({ state: "refused", code: 4401 });
    });
  });
});
