import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";

const outDir = fileURLToPath(new URL("../dist/page", import.meta.url));

/** Compresses once at build, so that the server spends nothing on it. */
const precompress: Plugin = {
  name: "precompress",
  closeBundle() {
    for (const name of readdirSync(outDir, { recursive: true, encoding: "utf8" })) {
      if (!/\.(js|css|html|svg)$/.test(name)) continue;
      const file = join(outDir, name);
      const content = readFileSync(file);
      writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }));
      writeFileSync(`${file}.br`, brotliCompressSync(content));
    }
  },
};

// Everything is bundled, because the page must work on a network without internet access.
export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/",
  plugins: [vue(), precompress],
  build: {
    outDir,
    emptyOutDir: true,
    target: "es2022",
  },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/live": { target: "http://127.0.0.1:8080", ws: true },
      "/demo": { target: "http://127.0.0.1:8080" },
    },
  },
});
