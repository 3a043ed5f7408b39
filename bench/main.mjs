import { build } from "../scripts/build.mjs";
import { install } from "../scripts/install.mjs";
import { parseOptions, usage } from "./options.mjs";

process.chdir(new URL("..", import.meta.url).pathname);

const options = readOptions();
if (options.help) process.stdout.write(usage);
else if (options.render) await import("./render.mjs");
else {
  install();
  install("bench");
  if (!options["no-build"] && !options.list) build();
  // Only now: the contenders' packages are there.
  const { list, bench } = await import("./bench.mjs");
  if (options.list) list();
  else await bench(options).catch(end);
}

/** An error that the user can correct needs no stack. */
function end(error) {
  process.stderr.write(`bench: ${error.isUsage ? error.message : error.stack}\n`);
  process.exit(1);
}

function readOptions() {
  try {
    return parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`bench: ${error.message}\n\n${usage}`);
    process.exit(2);
  }
}
