import { standardClient } from "./roles/standard-client.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "undici",
  says: "undici's client, which is Node's own WebSocket",
  packages: ["undici"],
  roles: {
    client: async (options) => standardClient((await import("undici")).WebSocket, options),
  },
};
