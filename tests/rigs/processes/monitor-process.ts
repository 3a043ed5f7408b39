import { fileURLToPath } from "node:url";
import { RunningProgram } from "./running-program.ts";

const main = fileURLToPath(new URL("../../../demo/dist/server/main.js", import.meta.url));

/** The device monitor as a process, as `npm start` runs it. */
export class MonitorProcess {
  readonly program: RunningProgram;
  readonly port: number;

  private constructor(program: RunningProgram, port: number) {
    this.program = program;
    this.port = port;
  }

  /** Starts it, on a free port where the arguments name none. */
  static async start(...args: string[]): Promise<MonitorProcess> {
    const port = args.includes("--port") ? [] : ["--port", "0"];
    const program = new RunningProgram(process.execPath, [main, ...port, ...args]);
    const [, shown] = await program.says(/Longwire device monitor: http:\/\/127\.0\.0\.1:(\d+)\//);
    return new MonitorProcess(program, Number(shown));
  }

  /** One without devices, for tests that bring their own. */
  static startEmpty(...args: string[]): Promise<MonitorProcess> {
    return MonitorProcess.start("--no-agent", "--simulate", "0", ...args);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get liveUrl(): string {
    return `ws://127.0.0.1:${this.port}/live`;
  }

  /** Returns the current state of a topic, by key. */
  async topic(name: string): Promise<Record<string, Record<string, unknown>>> {
    const response = await fetch(`${this.url}/live/${name}`);
    const { entries } = (await response.json()) as {
      entries: { key: string; data: Record<string, unknown> }[];
    };
    return Object.fromEntries(entries.map(({ key, data }) => [key, data]));
  }
}
