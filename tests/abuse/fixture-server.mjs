import { keyedTopic, LiveServer, logTopic } from "../../dist/live/index.js";
import { healthEndpoints, WebSocketServer } from "../../dist/server/index.js";

// A server as an application would write it: node fixture-server.mjs SETTINGS, which are JSON with
// `broker` ("memory", "redis" or "nats") and the broker's `url`. It prints its own URL.
const { broker, url } = JSON.parse(process.argv[2]);

/** As long as a look into a user database takes. */
const AUTHENTICATE_MS = 200;
const SLOW_METHOD_MS = 5_000;

/** Counts the tokens that `authenticate` refused; `GET /counts` returns the counts. */
const counts = { refused: 0, longestToken: 0 };

const brokers = {
  memory: async () => {
    const { MemoryBroker } = await import("../../dist/brokers/memory/index.js");
    return new MemoryBroker();
  },
  redis: async () => {
    const { RedisBroker } = await import("../../dist/brokers/redis/index.js");
    return RedisBroker.open({ url });
  },
  nats: async () => {
    const { NatsBroker } = await import("../../dist/brokers/nats/index.js");
    return NatsBroker.open({ url });
  },
};

const live = await LiveServer.open({
  topics: [
    logTopic("rooms/:id", { clientPublish: true, presence: true }),
    keyedTopic("sites/:site", { clientPublish: true }),
    keyedTopic("online", { clientPublish: true, keyLifetime: "connection" }),
    keyedTopic("bystander", { clientPublish: true }),
  ],
  methods: {
    echo: { handle: (params) => params },
    slow: { handle: () => after(SLOW_METHOD_MS, "done") },
  },
  broker: await brokers[broker](),
  authenticate: ({ token }) => {
    if (token === undefined) return undefined;
    const isKnown = /^user-\d{1,6}$/.test(token);
    if (!isKnown) counts.refused += 1;
    counts.longestToken = Math.max(counts.longestToken, token.length);
    return after(AUTHENTICATE_MS, isKnown ? { id: token } : undefined);
  },
  onError: () => {},
});
const server = new WebSocketServer([
  live.endpoint("/live"),
  ...healthEndpoints(() => live.whyNotReady),
  {
    path: "/counts",
    onRequest: (exchange) => exchange.answer(200, {}, JSON.stringify(counts)),
  },
]);
const { url: own } = await server.listen({ host: "127.0.0.1", port: 0 });
console.log(own);

function after(ms, value) {
  return new Promise((resolve) => setTimeout(resolve, ms, value));
}
