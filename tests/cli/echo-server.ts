import { longwire, type RunningProgram } from "../rigs/processes/running-program.ts";

/** Starts `longwire echo` on a free port. */
export async function startEcho(): Promise<{ echo: RunningProgram; url: string }> {
  const echo = longwire("echo", "--port", "0");
  const [url] = await echo.says(/^ws:\S+/m);
  return { echo, url };
}
