export { DiskBroker } from "./disk-broker.ts";
export type { DiskBrokerOptions } from "./disk-broker.ts";
