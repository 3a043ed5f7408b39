export { RedisBroker } from "./redis-broker.ts";
export type { RedisBrokerOptions } from "./redis-options.ts";
