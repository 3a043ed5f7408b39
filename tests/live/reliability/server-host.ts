import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import type { BrokerTopic, EventDraft, HeldKey, TopicEvent } from "../../../src/live/index.ts";

const program = fileURLToPath(new URL("server-process.mjs", import.meta.url));

interface Request {
  id: number;
  does: "open" | "append" | "lease" | "catchUp";
  declaration: { kind: "log" | "keyed"; name: string };
  name: string;
  draft: EventDraft;
  held: HeldKey[];
  leaseMs: number;
}

/** Runs one server process at a time, and is the broker that outlives it. */
export class ServerHost {
  readonly broker: MemoryBroker = new MemoryBroker();
  /** Every event of each topic, as the broker has it. */
  readonly events: Map<string, TopicEvent[]> = new Map();
  port = 0;
  kills = 0;
  readonly #topics = new Map<string, BrokerTopic>();
  #process: ChildProcess | undefined;

  /** Starts the server, on the port that it had before if there was one. */
  async start(): Promise<void> {
    const child = fork(program, [String(this.port)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    this.#process = child;
    // A message to a process that was killed is lost.
    child.on("error", () => {});
    child.on("message", (request: Request) => void this.#serve(child, request));
    for (;;) {
      const [message] = (await once(child, "message")) as [{ listening?: number }];
      if (message.listening === undefined) continue;
      this.port = message.listening;
      return;
    }
  }

  /** SIGKILL, and it is gone when this resolves. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    this.kills += 1;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async close(): Promise<void> {
    await this.kill();
    await this.broker.close();
  }

  async #serve(child: ChildProcess, request: Request): Promise<void> {
    const { id, does } = request;
    if (id === undefined) return;
    const tell = (message: object): void => {
      if (child.connected) child.send(message, () => {});
    };
    try {
      if (does === "catchUp") tell({ id });
      else if (does === "open") tell({ id, answer: await this.#open(request.declaration, tell) });
      else if (does === "append") {
        tell({ id, answer: await this.#topics.get(request.name)!.append(request.draft) });
      } else
        tell({
          id,
          answer: await this.#topics.get(request.name)!.lease(request.held, request.leaseMs),
        });
    } catch (error) {
      const { code, message } = error as { code: string; message: string };
      tell({ id, refusal: { code, message } });
    }
  }

  async #open(
    declaration: Request["declaration"],
    tell: (message: object) => void,
  ): Promise<object> {
    const { name } = declaration;
    if (!this.events.has(name)) {
      const events: TopicEvent[] = [];
      this.events.set(name, events);
      await this.broker.openTopic(declaration, (event) => events.push(event));
    }
    const opened = await this.broker.openTopic(declaration, ({ offset, at, key, data, removed }) =>
      tell({ name, event: { offset, at, key, data, removed } }),
    );
    this.#topics.set(name, opened);
    const { epoch, offset, floor } = opened;
    return { epoch, offset, floor };
  }
}
