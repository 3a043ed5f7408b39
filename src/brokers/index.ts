export { openBroker, type BrokerPlace } from "./open-broker.ts";
