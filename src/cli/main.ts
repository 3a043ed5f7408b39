#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { LongwireError } from "../base/index.ts";
import { agentCommand } from "./agent/agent-command.ts";
import { asyncApiCommand } from "./asyncapi-command.ts";
import { connectCommand } from "./connect/connect-command.ts";
import { echoCommand } from "./echo-command.ts";
import { serveCommand } from "./serve-command.ts";

const packageFile = new URL("../../package.json", import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, "utf8")) as { version: string };

const program = new Command("longwire")
  .description("WebSocket servers, clients and live topics, from the command line")
  .version(version)
  .showHelpAfterError("(use --help for usage)")
  .addCommand(serveCommand())
  .addCommand(connectCommand())
  .addCommand(echoCommand())
  .addCommand(agentCommand())
  .addCommand(asyncApiCommand());

try {
  await program.parseAsync();
} catch (error) {
  // Errors that a user can fix are printed on one line; anything else is a bug and keeps its stack.
  if (!(error instanceof LongwireError) && !(error instanceof DOMException)) throw error;
  console.error(`longwire: ${error.message}`);
  process.exitCode = 1;
}
