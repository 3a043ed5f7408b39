import {
  clientMethod,
  commandsTopic,
  keyedTopic,
  LiveServer,
  logTopic,
  matchFields,
  method,
} from "../../dist/live/index.js";
import { healthEndpoints, Ledger, WebSocketServer } from "../../dist/server/index.js";
import { reportTopics } from "./report-topics.mjs";

// A node of a cluster as its own process: node node-process.mjs SETTINGS, which are JSON; see
// chaos-node.ts.
const { engine, location, port, serverLeaseMs, mutation } = JSON.parse(process.argv[2]);

const brokers = {
  redis: async () => {
    const { RedisBroker } = await import("../../dist/brokers/redis/index.js");
    return RedisBroker.open({ url: location, longestRetryMs: 1_000, lookMs: 2_000 });
  },
  nats: () => nats(1),
  "nats-cluster": () => nats(3),
  disk: async () => {
    const { DiskBroker } = await import("../../dist/brokers/disk/index.js");
    return DiskBroker.open({ folder: location });
  },
  memory: async () => {
    const { MemoryBroker } = await import("../../dist/brokers/memory/index.js");
    return new MemoryBroker();
  },
};

const retention = { maxEvents: 1_000_000, maxBytes: 1e9, maxAgeMs: 3_600_000 };
// So small that the abuser among the clients uses up its share within a run.
const ledger = new Ledger({ shareBytes: 2 * 1024 * 1024 });
const match = matchFields;
const broker = await brokers[engine]();
// No other process can open these.
if (engine === "disk" || engine === "memory") await reportTopics(broker, retention);
const live = await LiveServer.open({
  topics: [
    logTopic("news", { match, clientPublish: true, retention, presence: { graceMs: 1_000 } }),
    keyedTopic("devices", { match, clientPublish: true, retention }),
    keyedTopic("online", { clientPublish: true, keyLifetime: "connection", retention }),
    commandsTopic({ authorize: () => true }),
  ],
  clientMethods: { work: clientMethod({ timeoutMs: 5_000 }) },
  methods: {
    give: method({
      handle: async ({ to, n }) => {
        const idempotencyKey = `command-${n}`;
        if (mutation?.does === "repeat-commands") await live.identity(to).command("work", n);
        return (await live.identity(to).command("work", n, { idempotencyKey })).key;
      },
    }),
  },
  broker: mutated(broker),
  authenticate: ({ token }) => (token === undefined ? undefined : { id: token, tokenId: token }),
  onError: () => {},
  ledger,
  maxMessageBytes: 60_000,
  heartbeatMs: 3_000,
  returnWindowMs: 3_000,
  serverLeaseMs,
});
const server = new WebSocketServer(
  [live.endpoint("/live"), ...healthEndpoints(() => live.whyNotReady)],
  { ledger, keepaliveIntervalMs: 3_000 },
);
const listening = await server.listen({ host: "127.0.0.1", port });
process.on("SIGTERM", () => void drain());
// Nobody is there any more who could end it.
process.on("disconnect", () => process.exit());
process.on("message", ({ revoke }) => {
  if (revoke !== undefined) void answerRevoke(revoke);
});
process.send({ kind: "listening", port: listening.port });

/** Revokes credentials, and answers whether the broker has stored it. */
async function answerRevoke({ n, revoked, until }) {
  const isStored = await live.connections.revoke(revoked, until).then(
    () => true,
    () => false,
  );
  process.send({ kind: "revoked", n, isStored });
}

async function drain() {
  await server.close({ timeoutMs: 3_000 });
  await live.close();
  // Earlier reports are sent first.
  process.send({ kind: "ended" }, () => process.exit());
}

async function nats(replicas) {
  const { NatsBroker } = await import("../../dist/brokers/nats/index.js");
  // It knows its servers by its own networks to them, and by no others.
  const client = { ignoreClusterUpdates: true };
  return NatsBroker.open({ url: location, replicas, client, longestRetryMs: 1_000, lookMs: 2_000 });
}

/** A broker that is wrong on purpose, to see that the checker finds it. */
function mutated(broker) {
  if (mutation === undefined || mutation.does === "repeat-commands") return broker;
  if (mutation.does === "keep-revoked") {
    return {
      openTopic: (declaration, follow, onLost) =>
        broker.openTopic(
          declaration,
          declaration.name === "$revocations" ? () => {} : follow,
          onLost,
        ),
      close: () => broker.close(),
    };
  }
  const counts = new Map([
    ["news", mutation.from],
    ["devices", mutation.from],
  ]);
  return {
    openTopic: (declaration, follow, onLost) =>
      broker.openTopic(
        declaration,
        (event) => {
          const count = (counts.get(declaration.name) ?? Number.NaN) + 1;
          counts.set(declaration.name, count);
          const isHit = count % mutation.every === 0;
          if (!isHit || mutation.does === "double") follow(event);
          if (isHit && mutation.does === "double") follow(event);
        },
        onLost,
      ),
    close: () => broker.close(),
  };
}
