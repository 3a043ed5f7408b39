import { live, liveRoles } from "./roles/longwire-live.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "longwire-nats",
  says: "Longwire's live layer on NATS JetStream",
  packages: ["longwire"],
  engine: "nats",
  roles: liveRoles,
  live,
};
