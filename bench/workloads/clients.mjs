import { payloadOf } from "../load/payloads.mjs";
import { withProcesses } from "../measure.mjs";
import { cpuPerMessage, messageColumns, windowOf } from "../workload.mjs";

/** @param {import("../workload.mjs").Size} size */
export function clients(size) {
  return [
    clientWorkload(size, {
      name: "client-echo",
      says: "100 clients in the process under test send a text of 64 bytes each and wait for its echo",
      connections: 100,
      batch: 1,
    }),
    clientWorkload(size, {
      name: "client-pipelined",
      says: "50 clients in the process under test send 50 texts of 64 bytes each in one turn of the event loop and wait for all echoes",
      connections: 50,
      batch: 50,
    }),
  ];
}

function clientWorkload(size, { name, says, connections, batch }) {
  const payload = { kind: "text", bytes: 64 };
  const window = windowOf(size);
  return {
    name,
    says,
    contenders: ["longwire", "longwire-public", "ws", "ws-native", "undici", "bun", "net"],
    rounds: 2,
    baselines: ["ws", "undici"],
    figure: cpuPerMessage,
    columns: messageColumns,
    measure: (contender, host) =>
      withProcesses({ name, contender, host }, async ({ start, load }) => {
        const { port } = await load("listenNeutral", { payload, batch });
        const url = `ws://127.0.0.1:${port}/`;
        const text = payloadOf(payload).toString();
        await start("client", { url, connections: size.few(connections), batch, text });
        return load("measureNeutral", { window });
      }),
  };
}
