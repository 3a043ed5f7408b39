import { install } from "./install.mjs";
import { build } from "./build.mjs";

// From wherever npm was called, paths are the project's.
process.chdir(new URL("..", import.meta.url).pathname);

install();
build();
await import("../demo/dist/server/main.js");
