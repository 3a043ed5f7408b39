import { rolesOverWs } from "./roles/ws.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "ws",
  says: "the package ws, without native add-ons",
  packages: ["ws"],
  env: { WS_NO_BUFFER_UTIL: "1", WS_NO_UTF_8_VALIDATE: "1" },
  compression: "perMessageDeflate: true and its defaults: from 1 KiB on, with context takeover",
  roles: rolesOverWs(() => import("ws")),
};
