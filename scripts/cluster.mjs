import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { install } from "./install.mjs";
import { build } from "./build.mjs";
import { brokers } from "./cluster/brokers.mjs";
import { freePort } from "./cluster/free-port.mjs";
import { haproxyConfig } from "./cluster/haproxy-config.mjs";
import { Program } from "./cluster/program.mjs";
import { installPrograms } from "./system-programs.mjs";

const help = `npm run cluster -- [--nodes 3] [--broker nats|redis] [--port 8080] [--simulate 24]

The device monitor on several nodes, on this machine: a broker, the nodes, and haproxy in front of
them, as docs/guides/scaling.md advises. Missing programs are installed from Debian. A node that you kill
is started again; Ctrl-C stops everything, and what the broker kept goes.`;

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "3" },
    broker: { type: "string", default: "nats" },
    port: { type: "string", default: "8080" },
    simulate: { type: "string", default: "24" },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (values.help) {
  console.log(help);
  process.exit(0);
}
for (const [name, most] of [
  ["nodes", 16],
  ["port", 65_535],
  ["simulate", 10_000],
]) {
  if (/^\d{1,5}$/.test(values[name]) && Number(values[name]) <= most) continue;
  refuse(`--${name} is ${values[name]}; give a whole number up to ${most}.`);
}
if (values.nodes === "0") refuse("--nodes is 0; give at least 1.");
if (brokers[values.broker] === undefined) {
  refuse(`--broker is ${values.broker}; give ${Object.keys(brokers).join(" or ")}.`);
}

process.chdir(new URL("..", import.meta.url).pathname);
const broker = brokers[values.broker];
install();
installPrograms([broker.program, "haproxy"]);
build();

const folder = mkdtempSync(join(tmpdir(), "longwire-cluster-"));
const programs = [];
/** Begins to stop: nothing is started again. */
let isOver = false;

// Stays: npm repeats the terminal's signal, and that must not cut the drain short.
const stopped = new Promise((resolve) => {
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, resolve);
});

try {
  await start();
  await stopped;
} catch (error) {
  console.error(`longwire: ${error.message}`);
  process.exitCode = 1;
} finally {
  isOver = true;
  // In the order in which each can say goodbye: agents, the entrance, nodes, the broker.
  for (const program of programs.toReversed()) await program.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function start() {
  const brokerPort = await freePort();
  await run(values.broker, broker.program, broker.args(brokerPort, folder), broker.isReady);
  const url = `${values.broker}://127.0.0.1:${brokerPort}`;
  const ports = [];
  for (let at = 1; at <= Number(values.nodes); at += 1) {
    const port = await freePort();
    const args = ["--port", String(port), "--no-agent", "--simulate", "0", "--broker", url];
    await run(`node ${at}`, process.execPath, ["demo/dist/server/main.js", ...args], /Ctrl-C/, {
      again: true,
    });
    ports.push(port);
  }
  const port = values.port === "0" ? await freePort() : Number(values.port);
  const config = join(folder, "haproxy.cfg");
  writeFileSync(config, haproxyConfig(readFileSync("docs/guides/scaling.md", "utf8"), port, ports));
  await run("haproxy", "haproxy", ["-db", "-f", config], undefined, { port });
  const live = `ws://127.0.0.1:${port}/live`;
  const agent = ["dist/cli/main.js", "agent", "--url", live];
  await run("agent", process.execPath, agent);
  if (values.simulate !== "0") {
    await run("simulated devices", process.execPath, [...agent, "--simulate", values.simulate]);
  }
  console.log(`The device monitor on ${ports.length} nodes: http://127.0.0.1:${port}/`);
  for (const { name, pid } of programs) console.log(`  ${name} has the process ${pid}`);
  console.log("Kill a node, and see nothing happen on the page. Stop with Ctrl-C.");
}

async function run(name, command, args, isReady, { again = false, port } = {}) {
  const program = new Program(name, command, args);
  programs.push(program);
  program.onEnded = (how) => {
    if (isOver) return;
    console.error(`${name} has ended (${how})${again ? "; it is started again" : ""}.`);
    if (!again) return;
    program.start(isReady).then(
      () => console.log(`${name} is back: process ${program.pid}`),
      (error) => console.error(`longwire: ${error.message}`),
    );
  };
  await program.start(isReady, port);
}

function refuse(message) {
  console.error(message);
  process.exit(2);
}
