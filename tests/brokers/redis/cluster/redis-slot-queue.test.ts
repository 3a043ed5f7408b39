import { expect, test } from "vitest";
import type { Reply } from "../../../../src/brokers/redis/link/link.ts";
import { RefusedError } from "../../../../src/brokers/shared/engine-errors.ts";
import type { Redirection } from "../../../../src/brokers/redis/cluster/redirection.ts";
import { SlotQueue } from "../../../../src/brokers/redis/cluster/slot-queue.ts";
import { LiveError } from "../../../../src/live/index.ts";
import { VirtualClock } from "../../../rigs/clock/virtual-clock.ts";

/** A queue, and a server that answers when it is told to. */
class Slot {
  readonly clock = new VirtualClock();
  readonly followed: [Redirection, number][] = [];
  readonly sent: string[] = [];
  emptied = 0;
  /** Where the slot is said to be. */
  server = "";
  readonly #answers: { resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  #arrive = (): void => {};
  readonly queue = new SlotQueue<string>({
    clock: this.clock,
    timeoutMs: 1_000,
    server: () => {
      if (this.server === "none") throw new LiveError("unavailable", "no server");
      return this.server;
    },
    follow: (redirection, attempt) => {
      this.followed.push([redirection, attempt]);
      return new Promise((resolve) => (this.#arrive = resolve));
    },
    onEmpty: () => (this.emptied += 1),
  });

  ask(name: string): Promise<string> {
    const done = this.queue.do((server) => {
      this.sent.push(`${server}${name}`);
      return new Promise<Reply>((resolve, reject) => this.#answers.push({ resolve, reject }));
    });
    return done.then(
      ([reply]) => String(reply),
      (error: Error) => error.message,
    );
  }

  /** Answers as many, in the order in which they were sent: with an error if it looks like one. */
  async answer(...replies: string[]): Promise<void> {
    for (const reply of replies) {
      const { resolve, reject } = this.#answers.shift()!;
      if (/^[A-Z]+ /.test(reply)) reject(new RefusedError(`refused: ${reply}`, reply));
      else resolve([reply]);
    }
    await settled();
  }

  /** It is known where the slot is. */
  async arrive(): Promise<void> {
    this.#arrive();
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const MOVED = "MOVED 5 10.0.0.1:7001";

test("all commands are sent immediately, and answered with the server's answers", async () => {
  const slot = new Slot();
  const asked = [slot.ask("a"), slot.ask("b"), slot.ask("c")];
  expect(slot.sent).toEqual(["a", "b", "c"]);
  await slot.answer("1", "ERR no", "3");
  expect(await Promise.all(asked)).toEqual(["1", "refused: ERR no", "3"]);
  expect([slot.emptied, slot.followed]).toEqual([1, []]);
});

test("redirected commands are sent again in order, before later ones", async () => {
  const slot = new Slot();
  const asked = [slot.ask("a"), slot.ask("b"), slot.ask("c")];
  await slot.answer("1", MOVED);
  asked.push(slot.ask("d"));
  // One is still under way, of which it is not known yet.
  expect([slot.sent, slot.followed]).toEqual([["a", "b", "c"], []]);
  await slot.answer(MOVED);
  expect(slot.followed).toEqual([[{ kind: "moved", host: "10.0.0.1", port: 7001 }, 0]]);
  asked.push(slot.ask("e"));
  expect(slot.sent).toHaveLength(3);
  await slot.arrive();
  expect(slot.sent.slice(3)).toEqual(["b", "c", "d", "e"]);
  await slot.answer("2", "3", "4", "5");
  expect(await Promise.all(asked)).toEqual(["1", "2", "3", "4", "5"]);
});

test("each repeated redirection is counted as an attempt until one is answered", async () => {
  const slot = new Slot();
  const asked = slot.ask("a");
  for (const reply of [MOVED, "TRYAGAIN later", "ASK 5 10.0.0.2:7002"]) {
    await slot.answer(reply);
    await slot.arrive();
  }
  expect(slot.followed.map(([{ kind }, attempt]) => [kind, attempt])).toEqual([
    ["moved", 0],
    ["moving", 1],
    ["moving", 2],
  ]);
  await slot.answer("1");
  expect([await asked, slot.emptied]).toEqual(["1", 1]);
});

test("if a slot returns between two commands, the overtaken one is refused and not run afterwards", async () => {
  const slot = new Slot();
  const asked = [slot.ask("a"), slot.ask("b"), slot.ask("c"), slot.ask("d")];
  await slot.answer("TRYAGAIN later", "2", "TRYAGAIN later", "ERR no");
  await slot.arrive();
  expect(slot.sent.slice(4)).toEqual(["c"]);
  await slot.answer("3");
  expect(await Promise.all(asked)).toEqual([
    expect.stringContaining("is being moved"),
    "2",
    "3",
    "refused: ERR no",
  ]);
});

test("a command that has waited too long is refused and not sent again", async () => {
  const slot = new Slot();
  const first = slot.ask("a");
  await slot.answer(MOVED);
  slot.clock.advance(600);
  const second = slot.ask("b");
  slot.clock.advance(400);
  await slot.arrive();
  expect(await first).toContain("is being moved");
  expect(slot.sent).toEqual(["a", "b"]);
  await slot.answer("2");
  expect([await second, slot.emptied]).toEqual(["2", 1]);
});

test("while any command is pending, the next goes to the same server, because two would answer in any order", async () => {
  const slot = new Slot();
  slot.server = "old ";
  const asked = [slot.ask("a")];
  slot.server = "new ";
  asked.push(slot.ask("b"));
  await slot.answer("1");
  asked.push(slot.ask("c"));
  expect(slot.sent).toEqual(["old a", "old b", "old c"]);
  await slot.answer(MOVED, MOVED);
  await slot.arrive();
  expect(slot.sent.slice(3)).toEqual(["new b", "new c"]);
  slot.server = "newest ";
  await slot.answer("2", "3");
  asked.push(slot.ask("d"));
  expect(slot.sent.at(-1)).toBe("newest d");
  await slot.answer("4");
  expect(await Promise.all(asked)).toEqual(["1", "2", "3", "4"]);
  slot.server = "none";
  expect(await slot.ask("e")).toBe("no server");
});
