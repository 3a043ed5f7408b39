import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { catalogue } from "./catalogue.ts";
import { withoutGuard } from "./guards/guard.ts";
import { unguarded, withoutGuard as rowsWithoutGuard } from "./guards/unguarded.ts";
import { isControl } from "./without-guards.ts";

describe("the guards that npm run abuse -- --without-guards removes", () => {
  it("are listed once for every row that attacks, and for no other", () => {
    const attacks = catalogue.filter((row) => !isControl(row)).map(({ name }) => name);
    const named = [...unguarded, ...rowsWithoutGuard].map(({ row }) => row);
    expect(named.sort()).toEqual(attacks.sort());
  });

  it.each(unguarded)("of $row are found in the built code, each exactly once", ({ guards }) => {
    expect(guards).not.toEqual([]);
    const texts = new Map<string, string>();
    for (const guard of guards) {
      const text = texts.get(guard.file) ?? readFileSync(guard.file, "utf8");
      texts.set(guard.file, withoutGuard(text, guard));
    }
  });

  it("cannot be removed from a file that does not contain them exactly once", () => {
    const guard = { what: "a limit", file: "dist/limits.js", from: "max = 1", to: "max = 2" };
    expect(() => withoutGuard("min = 1", guard)).toThrow(/dist\/limits\.js has this 0 times/);
    expect(() => withoutGuard("max = 1; max = 1", guard)).toThrow(/2 times, not once:\nmax = 1/);
    expect(withoutGuard("max = 1;", guard)).toBe("max = 2;");
  });
});
