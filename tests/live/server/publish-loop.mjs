import { RedisBroker } from "../../../dist/brokers/redis/index.js";
import { keyedTopic, LiveServer } from "../../../dist/live/index.js";

// The README's own loop on Redis, as its own process: node publish-loop.mjs URL
const broker = await RedisBroker.open({ url: process.argv[2], onError: () => {} });
const live = await LiveServer.open({
  broker,
  topics: [keyedTopic("prices")],
  onError: ({ code, cause }) => process.send(`${code} ${cause?.code}`),
});
let ticks = 0;
live.topic("prices").onEvent(() => process.send("stored"));
setInterval(() => {
  void live.topic("prices").set("ACME", { symbol: "ACME", price: Math.random() });
  process.send(`tick ${(ticks += 1)}`);
}, 5);
process.on("disconnect", () => process.exit());
