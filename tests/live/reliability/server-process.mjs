import { keyedTopic, LiveServer, logTopic } from "../../../dist/live/index.js";
import { WebSocketServer } from "../../../dist/server/index.js";
import { IpcBroker } from "./ipc-broker.mjs";

// A live server as its own process: node server-process.mjs PORT
const retention = { maxEvents: 1_000_000, maxBytes: 1e9, maxAgeMs: 3_600_000 };
const live = await LiveServer.open({
  topics: [
    logTopic("news", { clientPublish: true, retention }),
    keyedTopic("devices", { clientPublish: true, retention }),
  ],
  broker: new IpcBroker(),
});
const server = new WebSocketServer(live.endpoint("/live"));
const { port } = await server.listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
process.send({ listening: port });
