import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TurnsPerHost, type Turn } from "../../../src/node/connecting/route/turns-per-host.ts";

const place = (key: string, atOnce = 1): { key: string; atOnce: number } => ({ key, atOnce });

/** Takes turns by name and records which began, in order. */
function takeTurns(): {
  turns: TurnsPerHost;
  begun: string[];
  take: (name: string, ...keys: string[]) => Turn;
} {
  const turns = new TurnsPerHost();
  const begun: string[] = [];
  const take = (name: string, ...keys: string[]): Turn =>
    turns.take(
      keys.map((key) => place(key)),
      () => begun.push(name),
    );
  return { turns, begun, take };
}

describe("turns at a host (RFC 6455 §4.1, item 2)", () => {
  test("begin in the order of their requests, one at a time", () => {
    const { begun, take } = takeTurns();
    const [a, b] = [take("a", "x"), take("b", "x")];
    take("c", "x");
    expect(begun).toEqual(["a"]);
    a.end();
    expect(begun).toEqual(["a", "b"]);
    b.end();
    expect(begun).toEqual(["a", "b", "c"]);
  });

  test("at other hosts begin immediately", () => {
    const { begun, take } = takeTurns();
    take("a", "x");
    take("b", "y");
    expect(begun).toEqual(["a", "b"]);
  });

  test("with several addresses need all of them", () => {
    const { begun, take } = takeTurns();
    const [a, b] = [take("a", "x"), take("b", "y")];
    take("both", "x", "y");
    take("later", "y");
    a.end();
    expect(begun).toEqual(["a", "b"]);
    b.end();
    expect(begun).toEqual(["a", "b", "both"]);
  });

  test("that are ended before they begin never begin", () => {
    const { begun, take } = takeTurns();
    const a = take("a", "x");
    take("b", "x").end();
    take("c", "x");
    a.end();
    expect(begun).toEqual(["a", "c"]);
  });

  test("ended twice let only one other begin", () => {
    const { begun, take } = takeTurns();
    const a = take("a", "x");
    take("b", "x");
    take("c", "x");
    a.end();
    a.end();
    expect(begun).toEqual(["a", "b"]);
  });

  test("may share a place that allows more than one", () => {
    const turns = new TurnsPerHost();
    const begun: number[] = [];
    const taken = [1, 2, 3, 4].map((n) => turns.take([place("x", 2)], () => begun.push(n)));
    expect(begun).toEqual([1, 2]);
    taken[1]!.end();
    expect(begun).toEqual([1, 2, 3]);
  });

  test("leave no queues behind", () => {
    const { turns, take } = takeTurns();
    const taken = [take("a", "x"), take("b", "x", "y"), take("c", "y", "z")];
    expect(turns.size).toBe(3);
    for (const turn of taken) turn.end();
    expect(turns.size).toBe(0);
  });

  test("never deadlock, and never share a host, in whatever order they end", () => {
    const hosts = fc.uniqueArray(fc.constantFrom("u", "v", "w", "x"), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(hosts, { maxLength: 20 }), fc.infiniteStream(fc.nat()), (all, picks) => {
        const turns = new TurnsPerHost();
        const busy = new Set<string>();
        const running = new Map<number, Turn>();
        const ready = new Set<number>();
        const taken = all.map((keys, index) =>
          turns.take(
            keys.map((key) => place(key)),
            () => {
              for (const key of keys) expect(busy).not.toContain(key);
              for (const key of keys) busy.add(key);
              ready.add(index);
            },
          ),
        );
        for (let left = all.length; left > 0; left -= 1) {
          for (const index of ready) running.set(index, taken[index]!);
          expect(running.size).toBeGreaterThan(0);
          const pick = picks.next().value % running.size;
          const [index, turn] = [...running][pick]!;
          running.delete(index);
          ready.delete(index);
          for (const key of all[index]!) busy.delete(key);
          turn.end();
        }
        expect(turns.size).toBe(0);
      }),
    );
  });
});
