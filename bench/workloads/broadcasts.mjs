import { measureServer } from "../measure.mjs";
import { json, text } from "../load/payloads.mjs";
import { cpuPerMessage, fewerServers, messageColumns, servers, windowOf } from "../workload.mjs";

/** @param {import("../workload.mjs").Size} size */
export function broadcasts(size) {
  return [
    broadcastWorkload(size, {
      name: "broadcast",
      alias: "D1",
      says: "a text of 200 bytes is published to 1,000 subscribers, and the next one when all have received it",
      text: text(200),
      burst: 1,
    }),
    broadcastWorkload(size, {
      name: "broadcast-burst",
      alias: "D8",
      says: "eight texts of 200 bytes are published at once to 1,000 subscribers, and the next eight when all have received them",
      text: text(200),
      burst: 8,
    }),
    broadcastWorkload(size, {
      name: "broadcast-compressed",
      says: "1.15 KB of JSON is published to 1,000 subscribers that negotiated permessage-deflate",
      text: json(),
      burst: 1,
      compression: true,
      contenders: fewerServers,
    }),
  ];
}

function broadcastWorkload(size, options) {
  const { name, alias, says, text, burst, compression = false, contenders = servers } = options;
  const subscribers = size.few(1_000);
  const loaded = { target: { compression }, subscribers, burst, text, window: windowOf(size) };
  return {
    name,
    alias,
    says,
    contenders,
    figure: cpuPerMessage,
    columns: messageColumns,
    measure: (contender, host) =>
      measureServer(
        { name, contender, host },
        { name: "broadcast", options: { compression, text } },
        { name: "broadcast", options: loaded },
      ),
  };
}
