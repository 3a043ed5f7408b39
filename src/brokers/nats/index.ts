export { NatsBroker } from "./nats-broker.ts";
export type { NatsBrokerOptions } from "./nats-options.ts";
