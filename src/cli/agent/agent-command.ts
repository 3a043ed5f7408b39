import * as os from "node:os";
import { Command, InvalidArgumentError } from "commander";
import {
  collect,
  parseHeaders,
  tlsOf,
  wholeNumber,
  withTrust,
  type TrustOptions,
} from "../option-values.ts";
import { untilSignal } from "../until-signal.ts";
import { MachineMeter } from "./machine-report.ts";
import type { Action } from "./offered-actions.ts";
import { Reporter, type Reporting } from "./reporter.ts";
import { SimulatedAccessPoint } from "./simulated-access-point.ts";

interface AgentOptions extends TrustOptions {
  url: string;
  name?: string;
  topic: string;
  simulate?: number;
  header: string[];
  allow: Action[];
}

/** Actions that do no harm, so that every agent offers them. */
const HARMLESS: readonly Action[] = ["measure", "reportEvery"];

/** Actions that an agent offers only if its operator allows them. */
const ALLOWABLE: readonly Action[] = ["restart"];

/** For how long a machine is away when its agent restarts, in seconds. */
const AGENT_RESTART_SECONDS = 1;

export function agentCommand(): Command {
  return withTrust(new Command("agent"))
    .description("report this machine to a live server once per second until stopped")
    .option("-u, --url <url>", "the live server's URL", parseUrl, "ws://127.0.0.1:8080/live")
    .option("-n, --name <name>", "the device's name (default: the host name)")
    .option("-t, --topic <topic>", "the keyed topic to report to", "devices")
    .option("--simulate <count>", "report this many simulated access points instead", wholeNumber)
    .option("--allow <action>", "also offer this action: restart; may be repeated", allowed, [])
    .option("-H, --header <name: value>", "a request header; may be repeated", collect, [])
    .addHelpText("after", EXAMPLES)
    .action(run);
}

const EXAMPLES = `
Examples:
  $ longwire agent --url ws://monitor.example:8080/live --name rack-7
  $ longwire agent --name rack-7 --allow restart
  $ longwire agent --simulate 24`;

async function run(options: AgentOptions): Promise<void> {
  const log = (line: string): void => console.error(`agent: ${line}`);
  const client = { headers: parseHeaders(options.header), ...tlsOf(options) };
  const { url, topic } = options;
  // Nothing happens to an access point that does not exist.
  const more = options.simulate === undefined ? options.allow : ALLOWABLE;
  const actions = [...new Set([...HARMLESS, ...more])];
  const common = { url, topic, client, actions };
  const reporters = devicesOf(options).map(
    (device, index) => new Reporter(device, { ...common, log: index === 0 ? log : () => {} }),
  );
  if (options.simulate !== undefined) log(`simulating ${options.simulate} access points`);
  for (const reporter of reporters) reporter.start();
  await untilSignal();
  await Promise.all(reporters.map((reporter) => reporter.stop()));
}

function devicesOf({ simulate, name }: AgentOptions): Reporting[] {
  if (simulate !== undefined) {
    return Array.from({ length: simulate }, (_, index) => new SimulatedAccessPoint(index + 1));
  }
  const own = name ?? os.hostname();
  const meter = new MachineMeter(own);
  // The agent restarts, not the machine: its connection ends, and it reports again.
  return [{ name: own, report: () => meter.report(), restart: () => AGENT_RESTART_SECONDS }];
}

function allowed(text: string, previous: Action[]): Action[] {
  const action = ALLOWABLE.find((one) => one === text);
  if (action !== undefined) return [...previous, action];
  throw new InvalidArgumentError(
    `Give ${ALLOWABLE.join(" or ")}; an agent offers ${HARMLESS.join(" and ")} anyway.`,
  );
}

function parseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(wss?|https?):$/.test(url.protocol)) {
    throw new InvalidArgumentError("Give a URL like ws://host:8080/live.");
  }
  // A URL copied from the browser's address bar lacks the mount path.
  if (url.pathname === "/") url.pathname = "/live";
  return url.href;
}
