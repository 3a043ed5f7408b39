import socketIo from "./socket.io.mjs";

/** @type {import("../contenders.mjs").Contender} */
export default {
  ...socketIo,
  name: "socket.io-redis",
  says: "a socket.io room with its Redis Streams adapter, over WebSocket only",
  packages: ["socket.io", "@socket.io/redis-streams-adapter", "redis"],
  engine: "redis",
};
