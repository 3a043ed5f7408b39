import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dropIn, home, wsOf } from "./dependents.ts";

test.each([
  "@fastify/websocket",
  "@nestjs/platform-ws",
  "engine.io",
  "engine.io-client",
  "express-ws",
  "jsdom",
  "mqtt",
  "peer",
  "puppeteer-core",
  "rpc-websockets",
  "webpack-dev-server",
  "wscat",
])("%s gets the drop-in when it asks for ws", (name) => {
  expect(wsOf(name)).toBe(join(dropIn, "index.cjs"));
});

test("there is no other ws", () => {
  expect(existsSync(join(home, "node_modules/ws/lib"))).toBe(false);
});
