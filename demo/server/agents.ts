import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** The command `longwire` of this package, as installed for a user. */
const command = fileURLToPath(
  new URL("dist/cli/main.js", import.meta.resolve("longwire/package.json")),
);

/** Starts an agent as a separate process, so that it can be killed like a real one. */
export function startAgent(args: readonly string[]): ChildProcess {
  return spawn(process.execPath, [command, "agent", ...args], {
    // The channel carries no messages: when it closes, the agent knows that this process is gone.
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
}

/** Stops agents and waits for them. */
export async function stopAgents(agents: readonly ChildProcess[]): Promise<void> {
  const running = agents.filter(
    ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
  );
  await Promise.all(
    running.map(async (agent) => {
      const exited = once(agent, "exit");
      agent.kill("SIGTERM");
      await exited;
    }),
  );
}
