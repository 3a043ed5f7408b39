import { readFileSync } from "node:fs";
import { rootCertificates } from "node:tls";
import { afterEach, expect, test, vi } from "vitest";
import { RedisBroker } from "../../../src/brokers/redis/index.ts";
import { logTopic } from "../../../src/live/index.ts";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { eventually } from "../../rigs/clock/eventually.ts";
import { RedisCluster } from "../../rigs/brokers/redis-cluster.ts";
import { open } from "../../rigs/brokers/redis-node.ts";
import { append, appendAgain, closeAll, follow, offsets, upTo } from "../../rigs/brokers/node.ts";
import { RedisServer } from "../../rigs/brokers/redis-server.ts";

vi.setConfig({ testTimeout: 30_000 });
afterEach(closeAll);

test("over TLS with its certificate authority: appended, followed, and again after a cut", async () => {
  const tls = makeCertificate();
  const server = await RedisServer.start({ tls, durable: true });
  expect(server.url).toMatch(/^rediss:/);
  const client = { socket: { tls: true as const, ca: readFileSync(tls.cert) } };
  const [one, two] = [await open(server.url, { client }), await open(server.url, { client })];
  const [writer, reader] = [await follow(one, logTopic("t")), await follow(two, logTopic("t"))];
  await append(writer.topic, 3);
  await server.kill();
  await server.restart();
  await appendAgain(writer.topic, { data: "after", idempotencyKey: "k" });
  await eventually(() => offsets(reader)).toEqual(upTo(4));
});

test("a certificate of an unknown authority or for another name: unreachable, with the reason", async () => {
  const tls = makeCertificate();
  const { url, port } = await RedisServer.start({ tls });
  const ca = readFileSync(tls.cert);
  const failed = [
    [url, { ca: rootCertificates[0]! }, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    [url, {}, "DEPTH_ZERO_SELF_SIGNED_CERT"],
    [url, { ca: readFileSync(makeCertificate().cert) }, "CERT"],
    [url.replace("127.0.0.1", "localhost"), { ca }, "ERR_TLS_CERT_ALTNAME_INVALID"],
  ] as const;
  for (const [at, socket, code] of failed) {
    const client = { socket: { tls: true as const, family: 4, ...socket } };
    await expect(RedisBroker.open({ url: at, client, timeoutMs: 2_000 })).rejects.toMatchObject({
      code: "broker_unreachable",
      message: expect.stringMatching(
        new RegExp(`:${port} cannot be reached \\(.*${code}.*\\); give the authority that signed`),
      ),
    });
  }
  // Without TLS, what speaks it ends the connection.
  const plain = RedisBroker.open({ url: url.replace("rediss", "redis"), timeoutMs: 2_000 });
  await expect(plain).rejects.toMatchObject({ code: "broker_unreachable" });
});

test("a cluster over TLS: its servers report their TLS ports", async () => {
  const tls = makeCertificate();
  const ca = readFileSync(tls.cert);
  const cluster = await RedisCluster.start({ tls, settings: ["--tls-cluster", "yes"] });
  const client = { socket: { tls: true as const, ca } };
  const broker = await open(cluster.url, { client, prefix: "p" });
  for (const name of cluster.namesAtEach("p")) {
    const node = await follow(broker, logTopic(name));
    await append(node.topic, 3);
    expect(offsets(node)).toEqual(upTo(3));
  }
});
