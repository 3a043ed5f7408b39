import { afterAll, expect, test } from "vitest";
import { clusterRoots, urlAt } from "../../../../src/brokers/redis/link/redis-url.ts";
import { slotMapOf, slotOf } from "../../../../src/brokers/redis/cluster/slots.ts";
import { topicKeys } from "../../../../src/brokers/redis/topic/topic-keys.ts";
import { stopEngines } from "../../../rigs/brokers/engine-process.ts";
import { raw } from "../../../rigs/brokers/redis-node.ts";
import { RedisServer } from "../../../rigs/brokers/redis-server.ts";

afterAll(() => stopEngines());

test("a topic's slot is the one that Redis computes, whatever its name is", async () => {
  const server = await RedisServer.start({ cluster: true });
  const names = [
    "t",
    "a/b",
    "c/$presence",
    "}",
    "a}b{c}",
    "é\u0000",
    "\ud83d\ude00",
    "x".repeat(300),
  ];
  const keys = names.flatMap((name) => topicKeys(`{longwire:${name}}`));
  const told = await raw(server.url, (client) =>
    Promise.all(keys.map((key) => client.sendCommand(["CLUSTER", "KEYSLOT", key]))),
  );
  expect(keys.map(slotOf)).toEqual(told);
});

test("the slot map lists servers by range; an unnamed one is the server that answered", () => {
  const map = slotMapOf(
    [
      [0, 1, ["10.0.0.1", 7001, "id", []], ["10.0.0.9", 7009]],
      [3, 3, [null, 7002]],
      [16_383, 16_383, ["", 7003]],
    ],
    "asked",
  );
  expect(map.slice(0, 5)).toEqual([
    "10.0.0.1:7001",
    "10.0.0.1:7001",
    undefined,
    "asked:7002",
    undefined,
  ]);
  expect([map[16_383], map.length]).toEqual(["asked:7003", 16_384]);
});

test("a cluster's URL names some of its servers; the others are reached with the same credentials", () => {
  expect(clusterRoots("redis://a:1")).toBeUndefined();
  expect(clusterRoots("redis+cluster://a")).toEqual(["redis://a"]);
  const [root, ...rest] = clusterRoots("rediss+cluster://ada:p%40ss@a:1,[::1]:2,c/")!;
  expect([root, ...rest]).toEqual([
    "rediss://ada:p%40ss@a:1",
    "rediss://ada:p%40ss@[::1]:2",
    "rediss://ada:p%40ss@c",
  ]);
  expect(urlAt(root!, "10.0.0.1:7001")).toBe("rediss://ada:p%40ss@10.0.0.1:7001");
  expect(urlAt("redis://a", "fe80::1:7001")).toBe("redis://[fe80::1]:7001");
});
