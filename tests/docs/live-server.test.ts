import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const page = readFileSync(join(root, "docs/guides/live-server.md"), "utf8");

const TSCONFIG = {
  compilerOptions: {
    target: "es2023",
    module: "nodenext",
    strict: true,
    types: ["node"],
    rewriteRelativeImportExtensions: true,
    skipLibCheck: true,
    outDir: "out",
  },
};

/** The page's files, compiled as a user's project compiles them. */
function project(change: (name: string, code: string) => string): string {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/live-server-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/longwire"));
  const files = [...page.matchAll(/^```ts (\S+)\n([^]*?)^```$/gm)];
  expect(files.map(([, name]) => name)).toEqual(["api.ts", "server.ts", "page.ts"]);
  for (const [, name, code] of files) writeFileSync(join(folder, name!), change(name!, code!));
  writeFileSync(join(folder, "package.json"), `{"type":"module"}`);
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(TSCONFIG));
  execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", folder]);
  return join(folder, "out");
}

test("the live server guide's server and page work together when they are copied", async () => {
  // Node 20 has no WebSocket of its own, which a page has; and no test depends on a free port.
  const folder = project((name, code) =>
    name === "page.ts"
      ? `import { WebSocket } from "longwire";\n${code
          .replace(`"ws://127.0.0.1:8085/live"`, "process.argv[2]!")
          .replace("{ token:", "{ webSocket: WebSocket, token:")}\nlive.close();`
      : code.replace("port: 8085", "port: 0"),
  );
  const server = spawn(process.execPath, [join(folder, "server.js")]);
  onTestFinished(() => void server.kill());
  const [line] = (await once(server.stdout, "data")) as [Buffer];
  const url = /ws:\S+/.exec(line.toString())![0];
  const output = execFileSync(process.execPath, [join(folder, "page.js"), url], {
    encoding: "utf8",
  });
  expect(output).toContain("ap-7 AP 7\n");
  expect(output).toContain("rebooted ap-7\n");
});
