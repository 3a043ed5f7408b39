import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { keyedTopic } from "../../../../src/live/index.ts";
import { CuttingProxy } from "../../../rigs/sockets/cutting-proxy.ts";
import { eventually } from "../../../rigs/clock/eventually.ts";
import { HoldingProxy } from "./holding-proxy.ts";
import { open, raw } from "../../../rigs/brokers/nats-node.ts";
import { closeAll, follow, offsets, upTo, type Node } from "../../../rigs/brokers/node.ts";
import { NatsServer } from "../../../rigs/brokers/nats-server.ts";

afterEach(closeAll);

const owned = keyedTopic("owned");
const LEASE_MS = 600;
/** Longer than the lease and what nodes wait beside, so that what is due is done. */
const pass = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, LEASE_MS + 300));

const words = ({ events }: Node): string[] =>
  events.map(({ key, removed }) => `${key} ${removed ? "removed" : "set"}`);

/** A key with a long lease, for which who opens the topic reads all renewals at once. */
async function setFirst(node: Node): Promise<void> {
  await node.topic.append({ key: "first", data: 1, leaseMs: 60_000 });
}

/** A key whose lease was renewed for long, right after it was set. */
async function setAndRenew(node: Node): Promise<void> {
  const { offset } = await node.topic.append({ key: "a", data: 1, leaseMs: LEASE_MS });
  await node.topic.lease([{ key: "a", offset }], 60_000);
}

test("a lease expires on time without a refresh, once, however many nodes there are", async () => {
  // All at the same moment.
  vi.spyOn(Math, "random").mockReturnValue(0);
  onTestFinished(() => void vi.restoreAllMocks());
  const server = await NatsServer.start();
  const nodes = await Promise.all(
    upTo(3).map(async () => follow(await open(server.url), keyedTopic("k"))),
  );
  await nodes[0]!.topic.append({ key: "a", data: 1, leaseMs: 200 });
  for (const node of nodes) await eventually(() => words(node)).toEqual(["a set", "a removed"]);
  const [set, removed] = nodes[2]!.events;
  expect(removed!.at - set!.at).toBeGreaterThanOrEqual(195);
  // Those that conflicted have appended nothing.
  await nodes[1]!.topic.append({ key: "b", data: 1 });
  for (const node of nodes) await node.topic.catchUp();
  for (const node of nodes) expect(words(node)).toEqual(["a set", "a removed", "b set"]);
});

test("a node that opens the topic after the holder is gone knows the renewals", async () => {
  const server = await NatsServer.start();
  const holder = await open(server.url);
  await setAndRenew(await follow(holder, owned));
  await holder.close();
  await pass();
  const later = await follow(await open(server.url), owned);
  expect(words(later)).toEqual(["a set"]);
  await pass();
  expect(words(later)).toEqual(["a set"]);
});

test("a node that opens the topic after a lease has expired removes the key first", async () => {
  const server = await NatsServer.start();
  const holder = await open(server.url);
  const { topic } = await follow(holder, owned);
  const { offset } = await topic.append({ key: "a", data: 1, leaseMs: 10_000 });
  await topic.lease([{ key: "a", offset }], LEASE_MS);
  await holder.close();
  await pass();
  const later = await follow(await open(server.url), owned);
  expect([words(later), later.topic.offset]).toEqual([["a removed"], 2]);
});

test("a node that was disconnected during a renewal does not end the lease", async () => {
  const server = await NatsServer.start();
  let isCut = false;
  const proxy = await CuttingProxy.start(() => (isCut ? 1 : server.port));
  const holder = await follow(await open(server.url), owned);
  await setFirst(holder);
  const away = await follow(await open(`nats://127.0.0.1:${proxy.port}`), owned);
  const { offset } = await holder.topic.append({ key: "a", data: 1, leaseMs: LEASE_MS });
  await eventually(() => words(away)).toEqual(["first set", "a set"]);
  isCut = true;
  proxy.cut(1, () => 0);
  await holder.topic.lease([{ key: "a", offset }], 60_000);
  await pass();
  isCut = false;
  await eventually(() =>
    away.topic.append({ key: "b", data: 1 }).then(String, () => "away"),
  ).not.toBe("away");
  await pass();
  expect(words(away).filter((text) => text === "a removed")).toEqual([]);
  await proxy.close();
});

test("a node that was stopped during a renewal receives it before it ends the lease", async () => {
  const server = await NatsServer.start();
  const proxy = await HoldingProxy.start(server.port);
  const holder = await follow(await open(server.url), owned);
  await setFirst(holder);
  const stopped = await follow(await open(`nats://127.0.0.1:${proxy.port}`), owned);
  const { offset } = await holder.topic.append({ key: "a", data: 1, leaseMs: LEASE_MS });
  await eventually(() => words(stopped)).toEqual(["first set", "a set"]);
  proxy.hold();
  await holder.topic.lease([{ key: "a", offset }], 60_000);
  await pass();
  proxy.release();
  await stopped.topic.append({ key: "b", data: 1 });
  await pass();
  expect(words(holder)).toEqual(["first set", "a set", "b set"]);
  await proxy.close();
});

test("if the renewals are gone, leases run from that time", async () => {
  const server = await NatsServer.start();
  const holder = await open(server.url);
  const node = await follow(holder, owned);
  const { offset } = await node.topic.append({ key: "a", data: 1, leaseMs: LEASE_MS });
  await node.topic.lease([{ key: "a", offset }], 60_000);
  await pass();
  await raw(server, (manager) => manager.streams.delete("longwire+lease"));
  await holder.close();
  const later = await follow(await open(server.url, { timeoutMs: 500 }), owned);
  expect(words(later)).toEqual(["a set"]);
  await eventually(() => words(later)).toEqual(["a set", "a removed"]);
  // It is made again for the next renewals.
  const next = await later.topic.append({ key: "b", data: 1, leaseMs: LEASE_MS });
  await raw(server, (manager) => manager.streams.delete("longwire+lease"));
  await later.topic.lease([{ key: "b", offset: next.offset }], 60_000);
  await pass();
  expect(offsets(later)).toEqual(upTo(3));
});
