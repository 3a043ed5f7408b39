import ws from "./ws.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  ...ws,
  name: "ws-native",
  says: "ws with bufferutil and utf-8-validate",
  packages: ["ws", "bufferutil", "utf-8-validate"],
  env: {},
};
