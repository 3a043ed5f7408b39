import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
let folder: string;

/** A project with the packed package, as installed from the registry. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "longwire-package-"));
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "longwire"), { recursive: true });
  const unpack = ["-xzf", join(folder, filename), "--strip-components=1"];
  execFileSync("tar", [...unpack, "-C", join(modules, "longwire")]);
  for (const name of ["classic-level", "commander", "redis", "@nats-io"]) {
    symlinkSync(join(root, "node_modules", name), join(modules, name));
  }
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(code: string, flags: string[] = []): string {
  const args = [...flags, "--input-type=module", "--eval", code];
  return execFileSync(process.execPath, args, { cwd: folder, encoding: "utf8" }).trim();
}

describe("the published package", () => {
  test.each([
    ["longwire", "WebSocket"],
    ["longwire/client", "openWebSocket"],
    ["longwire/server", "WebSocketServer"],
    ["longwire/protocol", "Connection"],
    ["longwire/live", "LiveServer"],
    ["longwire/brokers", "openBroker"],
    ["longwire/brokers/memory", "MemoryBroker"],
    ["longwire/brokers/disk", "DiskBroker"],
    ["longwire/brokers/nats", "NatsBroker"],
    ["longwire/brokers/redis", "RedisBroker"],
  ])("%s can be imported and has %s", (entry, name) => {
    expect(run(`import * as all from "${entry}"; console.log(typeof all.${name});`)).toBe(
      "function",
    );
  });

  test("every source map points to sources that are in the package", () => {
    const packed = join(folder, "node_modules/longwire");
    const maps = readdirSync(packed, { encoding: "utf8", recursive: true }).filter((name) =>
      name.endsWith(".map"),
    );
    expect(maps.length).toBeGreaterThan(500);
    const missing = maps.flatMap((name) => {
      const { sources } = JSON.parse(readFileSync(join(packed, name), "utf8")) as {
        sources: string[];
      };
      return sources.filter((source) => !existsSync(join(packed, name, "..", source)));
    });
    expect(missing).toEqual([]);
  });

  test("publishing is refused while package.json does not say where its repository is", () => {
    const { status, stderr } = spawnSync(process.execPath, ["scripts/publishable.mjs"], {
      cwd: root,
      encoding: "utf8",
    });
    const { repository } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      repository?: unknown;
    };
    expect(status).toBe(repository === undefined ? 1 : 0);
    if (status === 1) expect(stderr).toMatch(/^package\.json has no repository, .*; set them/);
  });

  test("in a browser, longwire exports the native class, without any import of Node", () => {
    const code =
      'globalThis.WebSocket = class Native {}; const { WebSocket } = await import("longwire"); console.log(WebSocket.name);';
    expect(run(code, ["--conditions=browser"])).toBe("Native");
    const file = run('console.log(import.meta.resolve("longwire"))', ["--conditions=browser"]);
    expect(readFileSync(new URL(file), "utf8")).not.toContain("import");
  });

  test("the command runs", () => {
    const main = join(folder, "node_modules/longwire/dist/cli/main.js");
    const { stdout, status } = spawnSync(process.execPath, [main, "--version"], {
      encoding: "utf8",
    });
    expect(status).toBe(0);
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      version: string;
    };
    expect(stdout.trim()).toBe(version);
  });

  test("a strict TypeScript project compiles against its types", () => {
    const source = `
      import { WebSocket } from "longwire";
      import { openWebSocket } from "longwire/client";
      import { keyedTopic, LiveServer } from "longwire/live";
      import { MemoryBroker } from "longwire/brokers/memory";
      import { HandshakeRefusal, WebSocketServer, type Endpoint } from "longwire/server";
      interface User { name: string }
      const chat: Endpoint<User> = {
        authorize: (request) => request.query.has("x") ? { name: "ada" } : new HandshakeRefusal(401),
        onMessage: (peer, message) => { peer.send(peer.data.name + String(message)); },
      };
      const live = await LiveServer.open({ broker: new MemoryBroker(), topics: [keyedTopic("a")] });
      const server = new WebSocketServer([chat, live.endpoint("/live")]);
      const { url } = await server.listen();
      const socket: WebSocket = openWebSocket(url, { headers: { a: "b" } });
      socket.onmessage = ({ data }) => console.log(data);
      socket.addEventListener("close", ({ code }) => code.toFixed());
    `;
    writeFileSync(join(folder, "use.ts"), source);
    const types = join(root, "node_modules/@types");
    const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023"];
    const { stdout, status } = spawnSync(
      join(root, "node_modules/.bin/tsc"),
      [...flags, "--typeRoots", types, "--types", "node", "use.ts"],
      { cwd: folder, encoding: "utf8" },
    );
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
