import { handle } from "../../src/live/client/answering/index.ts";
import { setTimeout as pause } from "node:timers/promises";
import { WebSocket } from "../../src/client/index.ts";
import { connect, type CommandRecord, type Live } from "../../src/live/client/index.ts";
import type { CommandInfo } from "../../src/live/index.ts";
import type { Random } from "../rigs/random.ts";
import type { Cluster } from "./cluster.ts";
import type { NetworkLink } from "./network-link.ts";

/** How long a device is at work on a command at most, in milliseconds. */
const MAX_WORK_MS = 60;

/** The commands of a run, by the checker's own record. */
export interface CommandFindings {
  /** Carried out more than once. */
  commandsTwice: number;
  /** Reported as done, and not carried out. */
  commandsNotDone: number;
  /** Carried out, and reported as something that says it was not. */
  commandsDenied: number;
  /** Carried out before one that was given earlier. */
  commandsDisordered: number;
}

/** A device, whose program is killed and started again. It stores what it has begun, or not. */
class CommandedDevice {
  readonly id: string;
  /** Its network, which no other client uses. */
  readonly entrance: NetworkLink;
  /** The numbers of the commands that it has carried out, in this order. */
  readonly done: number[] = [];
  readonly #random: Random;
  readonly #isStoring: boolean;
  #saved: CommandRecord | undefined;
  #program: { readonly live: Live; isKilled: boolean } | undefined;

  constructor(
    id: string,
    entrance: NetworkLink,
    { random, isStoring }: { random: Random; isStoring: boolean },
  ) {
    this.id = id;
    this.entrance = entrance;
    this.#random = random;
    this.#isStoring = isStoring;
    this.start();
  }

  start(): void {
    const live = connect(`ws://${this.entrance.address}/live`, {
      token: this.id,
      webSocket: WebSocket,
      backoff: { firstMs: 50, longestMs: 1_000 },
      ...(this.#isStoring && {
        commands: {
          load: () => this.#saved,
          save: (record: CommandRecord) => {
            // A program that was killed writes nothing.
            if (!program.isKilled) this.#saved = structuredClone(record);
          },
        },
      }),
    });
    const program = { live, isKilled: false };
    this.#program = program;
    handle(live, "work", async (n) => {
      if (program.isKilled) return new Promise(() => {});
      this.done.push(n as number);
      await pause(this.#random.integer(0, MAX_WORK_MS));
      return n;
    });
  }

  kill(): void {
    const program = this.#program;
    if (program === undefined) return;
    program.isKilled = true;
    program.live.close();
  }
}

/** Devices that are told what to do while they are killed, and what became of it. */
export class CommandedDevices {
  readonly #cluster: Cluster;
  readonly #devices: readonly CommandedDevice[];
  readonly #giver: Live;
  readonly #random: Random;
  readonly #commands: ReturnType<Live["topic"]>;
  /** By number: the key under which a command was acknowledged. */
  readonly #given = new Map<number, string>();
  #kills = 0;
  #n = 0;
  #isOver = false;
  #working: Promise<unknown> = Promise.resolve();

  constructor(cluster: Cluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
    this.#devices = cluster.deviceEntrances.map(
      (entrance, at) =>
        new CommandedDevice(`commanded-${at}`, entrance, { random, isStoring: at % 2 === 0 }),
    );
    this.#giver = connect(cluster.url(0), {
      token: "giver",
      webSocket: WebSocket,
      backoff: { firstMs: 50, longestMs: 1_000 },
    });
    this.#commands = this.#giver.topic("$commands");
    this.#commands.subscribe(() => {});
  }

  get given(): number {
    return this.#given.size;
  }

  get kills(): number {
    return this.#kills;
  }

  begin(): void {
    this.#working = Promise.all([
      ...this.#devices.map((device) => this.#command(device)),
      this.#killSome(),
    ]);
  }

  /** Gives no more commands; resolves when all that were given are acknowledged. */
  async fallSilent(): Promise<void> {
    this.#isOver = true;
    await this.#working;
  }

  /** The commands that are not over. */
  get open(): string[] {
    return [...this.#given.values()].filter((key) => {
      const state = this.#infoOf(key)?.state;
      return state === undefined || state === "pending" || state === "delivered";
    });
  }

  get unconfirmed(): number {
    const states = [...this.#given.values()].map((key) => this.#infoOf(key)?.state);
    return states.filter((state) => state === "unconfirmed").length;
  }

  check(): CommandFindings {
    const runs = new Map<number, number>();
    let commandsDisordered = 0;
    for (const { done } of this.#devices) {
      for (const [at, n] of done.entries()) {
        runs.set(n, (runs.get(n) ?? 0) + 1);
        if (at > 0 && done[at - 1]! > n) commandsDisordered += 1;
      }
    }
    const states = [...this.#given].map(([n, key]) => ({
      runs: runs.get(n) ?? 0,
      state: this.#infoOf(key)?.state,
    }));
    const count = (isWrong: (each: (typeof states)[number]) => boolean): number =>
      states.filter(isWrong).length;
    return {
      commandsTwice: [...runs.values()].filter((times) => times > 1).length,
      commandsNotDone: count(({ state, runs: times }) => state === "done" && times === 0),
      commandsDenied: count(
        ({ state, runs: times }) => times > 0 && state !== "done" && state !== "unconfirmed",
      ),
      commandsDisordered,
    };
  }

  close(): void {
    this.#isOver = true;
    this.#working.catch(() => {});
    for (const device of this.#devices) device.kill();
    this.#giver.close();
  }

  /** Gives one command after the other, so that their order is known. */
  async #command(device: CommandedDevice): Promise<void> {
    while (!this.#isOver) {
      await pause(this.#random.integer(50, 400));
      this.#n += 1;
      const n = this.#n;
      const idempotencyKey = `command-${n}`;
      const key = await this.#giver.call("give", { to: device.id, n }, { idempotencyKey });
      this.#given.set(n, key as string);
    }
  }

  async #killSome(): Promise<void> {
    while (!this.#isOver) {
      await pause(this.#random.integer(200, 1_500));
      const device = this.#random.pick(this.#devices);
      // Its operating system does not send a close for it.
      this.#cluster.cutDevice(device.entrance);
      device.kill();
      this.#kills += 1;
      await pause(this.#random.integer(0, 1_000));
      device.start();
    }
  }

  #infoOf(key: string): CommandInfo | undefined {
    return this.#commands.entries.get(key) as CommandInfo | undefined;
  }
}
