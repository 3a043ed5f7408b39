import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { transformWithOxc } from "vite";
import { expect, onTestFinished, test } from "vitest";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer } from "../../src/live/index.ts";
import { WebSocketServer } from "../../src/server/index.ts";
import { load, type Untyped } from "../dependents/dependents.ts";
import { RawClient } from "../rigs/sockets/raw-client.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../docs/guides/recipes.md"), "utf8");

/** Runs a recipe unchanged, on a free port; returns the values of its variables. */
async function run(name: string, server: WebSocketServer): Promise<{ app: Untyped; http: Server }> {
  const block = page.split(`\`\`\`ts ${name}\n`)[1]!.split("```")[0]!;
  const { code } = await transformWithOxc(block, name);
  const body = code
    .replaceAll(/import (.+?) from (".+?");/g, (_, what: string, from: string) =>
      what.startsWith("{")
        ? `const ${what} = load(${from});`
        : `const ${what} = first(load(${from}));`,
    )
    .replace("8080", "0");
  const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => Untyped;
  const recipe = new AsyncFunction(
    "server",
    "load",
    "first",
    `${body}\nreturn { app, http: typeof http === "undefined" ? undefined : http };`,
  );
  const first = (module: Untyped): Untyped => module.default ?? module;
  return recipe(
    server,
    (from: string) => (from === "./app.module.js" ? nestModule() : load(from)),
    first,
  );
}

/** An application of Nest with nothing in it. */
function nestModule(): { AppModule: unknown } {
  load("reflect-metadata");
  const AppModule = class AppModule extends Object {};
  load("@nestjs/common").Module({})(AppModule);
  return { AppModule };
}

async function serverWithDevices(): Promise<WebSocketServer> {
  const topics = [keyedTopic("devices", { clientPublish: true })];
  const live = await LiveServer.open({ broker: new MemoryBroker(), topics });
  await live.topic("devices").set("ap-1", { up: true });
  const server = new WebSocketServer(live.endpoint("/live"));
  onTestFinished(async () => {
    await server.close({ timeoutMs: 100 });
    await live.close();
  });
  return server;
}

const recipes: [name: string, serverOf: (app: Untyped, http: Server) => Server][] = [
  ["express.ts", (_, http) => http],
  ["fastify.ts", (app) => app.server],
  ["nest.ts", (app) => app.getHttpServer()],
];

test.each(recipes)(
  "%s: WebSockets, the plain HTTP forms with their bodies, and the application share one port",
  async (name, serverOf) => {
    const server = await serverWithDevices();
    const { app, http } = await run(name, server);
    const listening = serverOf(app, http);
    if (!listening.listening) await new Promise((done) => listening.once("listening", done));
    onTestFinished(() => {
      listening.closeAllConnections();
      return app.close?.();
    });
    onTestFinished(() => void listening.close());
    const { port } = listening.address() as AddressInfo;
    const origin = `http://127.0.0.1:${port}`;
    const posted = await fetch(`${origin}/live/devices`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ key: "ap-2", data: { up: false } }),
    });
    expect(posted.status).toBe(201);
    const client = await RawClient.upgrade(port, "/live/devices?key=ap-1");
    expect((await client.framesWhen(1)).length).toBeGreaterThan(0);
    const state = await (await fetch(`${origin}/live/devices`)).json();
    expect(state).toMatchObject({ entries: [{ key: "ap-1" }, { key: "ap-2" }] });
    const own = await fetch(`${origin}/`);
    // Nest has no route here, and says so itself.
    expect(await own.text()).toMatch(name === "nest.ts" ? /Cannot GET/ : /^hello$/);
  },
);
