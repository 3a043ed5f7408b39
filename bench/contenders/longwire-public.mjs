import longwire from "./longwire.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  ...longwire,
  name: "longwire-public",
  says: "Longwire without Node's internals",
  env: { LONGWIRE_PUBLIC_API_ONLY: "1" },
};
