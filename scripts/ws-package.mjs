/**
 * Makes of the compiled `dist/ws` what is published as `longwire/ws`, one file with all that it
 * needs for who requires as for who imports it, and `packages/ws`, the package `longwire-ws` of the
 * same, by which `ws` can be overridden.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build } from "vite";

const COMPILED = "dist/ws";
const BUNDLE = "dist/ws-bundle";
const PACKAGE = "packages/ws";

process.chdir(new URL("..", import.meta.url).pathname);
await build({
  configFile: false,
  logLevel: "warn",
  ssr: { noExternal: true },
  build: {
    ssr: `${COMPILED}/index.js`,
    outDir: BUNDLE,
    target: "node20",
    minify: false,
    // With the default export alone, `require` returns the class itself.
    rolldownOptions: { output: { format: "cjs", entryFileNames: "index.cjs", exports: "default" } },
  },
});
rmSync(COMPILED, { recursive: true });
cpSync("src/ws/package", COMPILED, { recursive: true });
cpSync(`${BUNDLE}/index.cjs`, `${COMPILED}/index.cjs`);
rmSync(BUNDLE, { recursive: true });

rmSync(PACKAGE, { recursive: true, force: true });
mkdirSync(PACKAGE, { recursive: true });
cpSync(COMPILED, PACKAGE, { recursive: true });
cpSync("LICENSE", `${PACKAGE}/LICENSE`);
rmSync(`${COMPILED}/README.md`);
const { version, license, engines } = JSON.parse(readFileSync("package.json", "utf8"));
const manifest = {
  name: "longwire-ws",
  version,
  description: "A drop-in for the npm package ws, on Longwire's engine.",
  keywords: ["websocket", "ws", "rfc6455", "longwire"],
  license,
  type: "commonjs",
  sideEffects: false,
  // As that of `ws`: who asks for the file that is meant by it must find it.
  main: "index.cjs",
  types: "index.d.cts",
  browser: "browser.cjs",
  exports: {
    ".": {
      import: { types: "./index.d.mts", browser: "./browser.mjs", default: "./index.mjs" },
      require: { types: "./index.d.cts", browser: "./browser.cjs", default: "./index.cjs" },
    },
    "./package.json": "./package.json",
  },
  files: ["*.cjs", "*.mjs", "*.cts", "*.mts"],
  engines,
};
writeFileSync(`${PACKAGE}/package.json`, `${JSON.stringify(manifest, null, 2)}\n`);
