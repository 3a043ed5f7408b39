import { afterEach, expect, test } from "vitest";
import type { LongwireError } from "../../../src/base/index.ts";
import { closeAll } from "../../rigs/brokers/node.ts";
import { RedisCluster } from "../../rigs/brokers/redis-cluster.ts";
import { open, raw } from "../../rigs/brokers/redis-node.ts";
import { RedisServer } from "../../rigs/brokers/redis-server.ts";

afterEach(closeAll);

async function reportsAtOpening(url: string): Promise<string[]> {
  const reports: LongwireError[] = [];
  await open(url, { onError: (error) => reports.push(error) });
  return reports.map(({ code, message }) => `${code}: ${message}`);
}

test.each(["allkeys-lru", "volatile-ttl"])(
  "a Redis server that evicts keys by %s is reported once, with the setting to use",
  async (policy) => {
    const { url, port } = await RedisServer.start({ settings: ["--maxmemory-policy", policy] });
    expect(await reportsAtOpening(url)).toEqual([
      `broker_evicts: Redis at 127.0.0.1:${port} has maxmemory-policy ${policy}, which deletes topics' keys when memory is full; set maxmemory-policy noeviction.`,
    ]);
  },
);

test("a server that evicts nothing, or does not report its policy, is not reported", async () => {
  const { url, port } = await RedisServer.start();
  expect(await reportsAtOpening(url)).toEqual([]);
  await raw(url, async (client) => {
    await client.sendCommand(["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    const rights = ["on", ">p", "~*", "&*", "+@all", "-info"];
    await client.sendCommand(["ACL", "SETUSER", "quiet", ...rights]);
  });
  expect(await reportsAtOpening(`redis://quiet:p@127.0.0.1:${port}`)).toEqual([]);
});

test("in a cluster, each shard that evicts keys is reported", async () => {
  const cluster = await RedisCluster.start({ settings: ["--maxmemory-policy", "allkeys-lru"] });
  const reports = await reportsAtOpening(cluster.url);
  expect(reports).toHaveLength(3);
  for (const { port } of cluster.primaries) {
    expect(reports.some((report) => report.includes(`:${port} has maxmemory-policy`))).toBe(true);
  }
});
