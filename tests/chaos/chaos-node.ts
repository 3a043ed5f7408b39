import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { EventDraft, TopicEvent } from "../../src/live/index.ts";
import { eventOf } from "../../src/topics/index.ts";
import type { Offset, Position } from "../../src/topics/position.ts";
import type { EngineName } from "./engine.ts";
import { KeyedRecord } from "./keyed-record.ts";

const program = fileURLToPath(new URL("node-process.mjs", import.meta.url));
/** It may be started while the broker is away. */
const PAUSE_BETWEEN_STARTS_MS = 200;
/** How long a revocation of nobody is in force. */
const NOBODY_MS = 10_000;

export interface NodeSettings {
  engine: EngineName;
  /** The broker's URLs through the node's own network, separated by commas; or its folder. */
  location: string;
  serverLeaseMs: number;
  /** A broker that goes wrong on purpose: once in so many events, counted from `from` on. */
  mutation?: NodeMutation | undefined;
}

/** Something that a node does wrong on purpose, to see that the checker finds it. */
type NodeMutation =
  /** Once in so many events, counted from `from` on. */
  | { does: "drop" | "double"; every: number; from: number }
  /** No node learns what another one revokes; each command is given twice. */
  | { does: "keep-revoked" | "repeat-commands" };

/** The identity or the token that a node revokes. */
export type Revoked = { identity: string } | { tokenId: string };

/** An event as it crosses from one process to another. */
type SentEvent = EventDraft & { offset: Offset; at: number };

/**
 * A message from a node; all but `listening` and `revoked` only if the topics are in its own process.
 */
type NodeMessage =
  | { kind: "listening"; port: number }
  | { kind: "opened"; position: Position; told: SentEvent[] }
  | { kind: "event"; event: SentEvent }
  | { kind: "read"; events: SentEvent[] }
  /** `isStored` is whether the broker has the revocation. */
  | { kind: "revoked"; n: number; isStored: boolean }
  | { kind: "ended" };

/** A server process, and the one that follows it, on one port. */
export class ChaosNode {
  readonly #settings: NodeSettings;
  #process: ChildProcess | undefined;
  /** Where it listens; 0 before the first start. */
  port = 0;
  /** Whether new clients can come. */
  isUp = false;
  /** A fault has it, and no other fault may. */
  isBusy = false;
  #isGone = false;
  /** The views of `devices` that the node has reported. */
  readonly devices: KeyedRecord = new KeyedRecord();
  /** Those who wait for a topic that the node reads, in the order in which they asked. */
  readonly #readers: ((events: TopicEvent[]) => void)[] = [];
  /** The callers whose revocation the node has not answered, by number. */
  readonly #revoking = new Map<number, (isStored: boolean) => void>();
  #revocations = 0;

  constructor(settings: NodeSettings) {
    this.#settings = settings;
  }

  /** Starts it, as often as it takes: what runs servers does so, too. */
  async start(): Promise<void> {
    while (!this.#isGone) {
      if (await this.#startOnce()) return;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_BETWEEN_STARTS_MS));
    }
  }

  /** SIGKILL, and it is gone when this resolves. */
  kill(): Promise<void> {
    return this.#end("SIGKILL");
  }

  /** SIGTERM: it tells its clients to come back, to whomever. */
  drain(): Promise<void> {
    return this.#end("SIGTERM");
  }

  /** Stops it where it is; its sockets stay, and answer nothing. */
  pause(): void {
    this.#process?.kill("SIGSTOP");
  }

  resume(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Reads what a topic has in the node's own process; of a keyed topic also the tombstones. */
  read(name: string): Promise<TopicEvent[]> {
    return new Promise((resolve) => {
      this.#readers.push(resolve);
      this.#process?.send({ read: name });
    });
  }

  /**
   * Revokes credentials at this node. Resolves with whether the broker has stored it, or with false
   * if the node ends before it answers.
   *
   * @param until in ms since the Unix epoch
   */
  revoke(revoked: Revoked, until: number): Promise<boolean> {
    this.#revocations += 1;
    const n = this.#revocations;
    return new Promise((resolve) => {
      this.#revoking.set(n, resolve);
      const onSent = (error: Error | null): void => {
        if (error !== null) this.#onRevoked(n, false);
      };
      if (this.#process === undefined) this.#onRevoked(n, false);
      else this.#process.send({ revoke: { n, revoked, until } }, onSent);
    });
  }

  /** Has the node revoke what nobody uses, and resolves with whether the broker stored it. */
  confirmsBroker(): Promise<boolean> {
    return this.revoke({ identity: "nobody" }, Date.now() + NOBODY_MS);
  }

  /** Ends it for good. */
  async close(): Promise<void> {
    this.#isGone = true;
    await this.kill();
  }

  async #startOnce(): Promise<boolean> {
    const settings = JSON.stringify({ ...this.#settings, port: this.port });
    const child = fork(program, [settings], { stdio: ["ignore", "ignore", "pipe", "ipc"] });
    this.#process = child;
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
    const port = await new Promise<number | undefined>((resolve) => {
      child.on("message", (message: NodeMessage) => {
        if (message.kind === "listening") resolve(message.port);
        else this.#onReport(message);
      });
      child.on("exit", () => {
        for (const n of this.#revoking.keys()) this.#onRevoked(n, false);
        resolve(undefined);
      });
    });
    if (port !== undefined) {
      this.port = port;
      this.isUp = true;
      return true;
    }
    if (!/cannot be reached|unavailable/.test(said)) throw new Error(`A node has ended:\n${said}`);
    return false;
  }

  #onReport(report: Exclude<NodeMessage, { kind: "listening" }>): void {
    if (report.kind === "opened") this.devices.open(report.position, report.told.map(received));
    if (report.kind === "event") this.devices.add(received(report.event));
    if (report.kind === "revoked") this.#onRevoked(report.n, report.isStored);
    if (report.kind === "read") this.#readers.shift()?.(report.events.map(received));
  }

  #onRevoked(n: number, isStored: boolean): void {
    this.#revoking.get(n)?.(isStored);
    this.#revoking.delete(n);
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    this.isUp = false;
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    // Unlike "exit" it comes when all that the process sent is here.
    const gone = once(child, "close");
    child.kill(signal);
    // One that is stopped hears SIGTERM only then.
    child.kill("SIGCONT");
    await gone;
  }
}

function received({ offset, at, ...draft }: SentEvent): TopicEvent {
  return eventOf(draft, offset, at);
}
