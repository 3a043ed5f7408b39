import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
let folder: string;

/** A project in which `ws` is `longwire-ws`, as installed from the registry. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "longwire-ws-"));
  const packed = execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
    cwd: join(root, "packages/ws"),
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "ws"), { recursive: true });
  const unpack = ["-xzf", join(folder, filename), "--strip-components=1"];
  execFileSync("tar", [...unpack, "-C", join(modules, "ws")]);
  symlinkSync(root, join(modules, "longwire"));
  writeFileSync(join(folder, "package.json"), "{}");
});
afterAll(() => rmSync(folder, { recursive: true }));

function run(code: string, ...flags: string[]): string {
  const { stdout, stderr } = spawnSync(process.execPath, [...flags, "--eval", code], {
    cwd: folder,
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  return stdout.trim();
}

const MODULE = "--input-type=module";
const NAMES =
  "createWebSocketStream extension PerMessageDeflate Receiver Sender Server subprotocol WebSocket WebSocketServer";

describe.each(["ws", "longwire/ws"])("%s", (name) => {
  test("require returns the class, with everything on it", () => {
    const code = `const WebSocket = require("${name}"); console.log(typeof WebSocket, ...Object.keys(WebSocket))`;
    expect(run(code)).toBe(`function CONNECTING OPEN CLOSING CLOSED ${NAMES}`);
  });

  test("import has the same names, and the class as the default", () => {
    const code = `import * as all from "${name}"; console.log(...Object.keys(all).sort())`;
    const names = [...NAMES.split(" "), "default"].sort();
    expect(run(code, MODULE)).toBe(names.join(" "));
  });

  test("is the same class for import and require", () => {
    const code = `import WebSocket, { WebSocketServer } from "${name}"; import { createRequire } from "node:module"; const required = createRequire(import.meta.url)("${name}"); console.log(WebSocket === required, WebSocketServer === required.Server)`;
    expect(run(code, MODULE)).toBe("true true");
  });

  test("throws in a browser, with advice", () => {
    const code = `try { new (require("${name}"))("ws://x") } catch (error) { console.log(error.message) }`;
    expect(run(code, "--conditions=browser")).toContain("the browser's own WebSocket");
  });

  test("carries a message", () => {
    const code = `
      const { WebSocketServer, WebSocket } = require("${name}");
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => {
        const client = new WebSocket("ws://127.0.0.1:" + server.address().port);
        client.on("message", (data, isBinary) => { console.log(String(data), isBinary); client.close(); });
      });
      server.on("connection", (peer) => { peer.send("hello"); server.close(); });
    `;
    expect(run(code)).toBe("hello false");
  });
});

test("messages of the turn that ends the process are written", () => {
  const code = `
    const { WebSocketServer, WebSocket } = require("ws");
    const { spawn } = require("node:child_process");
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" }, () => {
      const client = 'const { WebSocket } = require("ws"); const socket = new WebSocket(process.argv[1]); socket.on("open", () => { socket.send("last words"); process.exit(); })';
      spawn(process.execPath, ["--eval", client, "ws://127.0.0.1:" + server.address().port], { stdio: "inherit" });
    });
    server.on("connection", (peer) => {
      peer.on("message", (data) => console.log(String(data)));
      peer.on("close", () => server.close());
    });
  `;
  expect(run(code)).toBe("last words");
});

describe("its types", () => {
  const common = `
    const client = new WebSocket("ws://x", ["chat"], { perMessageDeflate: { threshold: 1 } });
    client.on("message", (data, isBinary) => { const raw: WebSocket.RawData = data; raw; isBinary.valueOf(); });
    client.on("close", function (code, reason) { this.send(code.toFixed() + reason.toString()); });
    client.on("something else", (...given) => given.length);
    client.binaryType = "blob";
    client.addEventListener("message", ({ data, target }) => target.send(data as string));
    client.onclose = ({ wasClean, code }) => { wasClean.valueOf(); code.toFixed(); };
    const server = new WebSocketServer({ port: 0, verifyClient: ({ req }, done) => done(req.url === "/") });
    server.on("connection", (peer, request) => peer.send(request.url ?? "", { compress: false }));
    class Sub extends WebSocket { name = ""; }
    new WebSocketServer({ noServer: true, WebSocket: Sub }).on("connection", (peer) => peer.name.trim());
    createWebSocketStream(client).pipe(process.stdout);
    Sender.frame("x", { fin: true, opcode: 1 });
  `;

  test.each([
    [
      "use.mts",
      `import WebSocket, { createWebSocketStream, Sender, WebSocketServer, type RawData } from "ws"; export type Raw = RawData; ${common}`,
    ],
    [
      "use.cts",
      `import WebSocket = require("ws"); import { createWebSocketStream, Sender, WebSocketServer } from "ws"; ${common} new WebSocket.Server({ noServer: true });`,
    ],
    [
      "both.mts",
      `
        import Ours, { WebSocketServer as OurServer } from "longwire/ws";
        import Theirs, { WebSocketServer as TheirServer } from "ws-types";
        declare const ours: Ours;
        declare const server: OurServer;
        declare const theirs: Theirs;
        export const socket: Theirs = ours;
        export const type: typeof Theirs = Ours as typeof Theirs;
        export const back: Ours = theirs;
        export const accepted: TheirServer = server;
      `,
    ],
  ])("a strict project compiles against them: %s", (file, source) => {
    // The types of ws, under another name than the replaced package.
    const types = join(folder, "node_modules/ws-types");
    mkdirSync(types, { recursive: true });
    for (const name of ["index.d.ts", "index.d.mts", "package.json"]) {
      writeFileSync(join(types, name), readFileSync(join(root, "node_modules/@types/ws", name)));
    }
    writeFileSync(join(folder, file), source);
    const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2023"];
    const roots = ["--typeRoots", join(root, "node_modules/@types"), "--types", "node"];
    const tsc = join(root, "node_modules/.bin/tsc");
    const { stdout, status } = spawnSync(tsc, [...flags, ...roots, file], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
