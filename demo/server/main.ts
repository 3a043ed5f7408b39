import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { LongwireError } from "longwire/server";
import { startAgent, stopAgents } from "./agents.ts";
import { MonitorServer } from "./monitor-server.ts";

interface StartOptions {
  port: number;
  host: string;
  simulate: number;
  name: string;
  agent: boolean;
  broker?: string;
  data?: string;
  allowHost: string[];
  origin: string[];
}

const program = new Command("npm start --")
  .description("the device monitor: a live server, an agent on this machine, a simulated fleet")
  .option("-p, --port <port>", "the port to listen on; 0 picks a free one", wholeNumber, 8080)
  .option("--host <host>", "the address to listen on; 0.0.0.0 accepts other machines", "127.0.0.1")
  .option("--simulate <count>", "how many access points to simulate", wholeNumber, 24)
  .option("--name <name>", "this machine's name on the page", hostname())
  .option("--no-agent", "don't report this machine")
  .option("--data <folder>", "store topics in this folder, so that they survive a restart")
  .option("--allow-host <name>", "an accepted Host name, or any; may be repeated", collect, [])
  .option(
    "--origin <origin>",
    "the origin of another site whose pages may use the topics; may be repeated",
    collect,
    [],
  )
  .addOption(
    new Option("--broker <url>", "the broker that stores topics (default: in memory)").env(
      "LONGWIRE_BROKER",
    ),
  )
  .action(run);

async function run({ simulate, name, agent, origin, ...options }: StartOptions): Promise<void> {
  const page = fileURLToPath(new URL("../page", import.meta.url));
  const { host } = options;
  // Several servers may run on one machine.
  const nodeName = `${hostname()} ${process.pid}`;
  const monitor = await MonitorServer.start({ ...options, origins: origin, page, nodeName });
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  const url = `ws://${reachable}:${monitor.port}/live`;
  const agents = [
    ...(agent ? [startAgent(["--url", url, "--name", name])] : []),
    ...(simulate > 0 ? [startAgent(["--url", url, "--simulate", String(simulate)])] : []),
  ];
  console.log(`Longwire device monitor: http://${reachable}:${monitor.port}/`);
  console.log(`Watch another machine:   npx longwire agent --url ws://HOST:${monitor.port}/live`);
  console.log("Stop with Ctrl-C.");
  await untilSignal();
  await stopAgents(agents);
  await monitor.close();
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

function untilSignal(): Promise<unknown> {
  return new Promise((resolve) => {
    // Stays registered, because npm repeats the terminal's signal, which must not cut the drain
    // short.
    process.on("SIGINT", resolve);
    process.on("SIGTERM", resolve);
  });
}

function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) {
    throw new InvalidArgumentError("Give a whole number from 0 to 65535.");
  }
  return Number(text);
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof LongwireError)) throw error;
  console.error(`longwire: ${error.message}`);
  process.exitCode = 1;
}
