import { rolesOverWs } from "./roles/ws.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  name: "longwire-ws",
  says: "the API of ws on Longwire's engine, `longwire/ws`",
  packages: ["longwire"],
  compression: "perMessageDeflate: true and its defaults: from 1 KiB on, each message by itself",
  roles: rolesOverWs(() => import("longwire/ws")),
};
