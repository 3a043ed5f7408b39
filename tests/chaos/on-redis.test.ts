import { testChaos } from "./chaos-run.ts";
import { redisEngine } from "./redis-engine.ts";

testChaos("redis", () => redisEngine({ durable: true }));
