import { live, liveRoles } from "./roles/longwire-live.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "longwire-redis",
  says: "Longwire's live layer on Redis",
  packages: ["longwire"],
  engine: "redis",
  roles: liveRoles,
  live,
};
