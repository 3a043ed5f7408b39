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
])("%s loads the replacement when it requires ws", (name) => {
  expect(wsOf(name)).toBe(join(dropIn, "index.cjs"));
});

test("no other ws is installed", () => {
  expect(existsSync(join(home, "node_modules/ws/lib"))).toBe(false);
});
