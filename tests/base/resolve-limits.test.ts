import { describe, expect, test } from "vitest";
import { resolveLimits } from "../../src/base/index.ts";

const defaults = { maxMessageBytes: 1000, maxMessageFragments: 50 };

describe("limits", () => {
  test("missing limits have their defaults", () => {
    expect(resolveLimits(defaults)).toEqual(defaults);
    expect(resolveLimits(defaults, { maxMessageBytes: 1 })).toEqual({
      ...defaults,
      maxMessageBytes: 1,
    });
    expect(resolveLimits(defaults, { maxMessageBytes: undefined })).toEqual(defaults);
  });

  test("resolving does not change the defaults", () => {
    resolveLimits(defaults, { maxMessageBytes: 5 });
    expect(defaults.maxMessageBytes).toBe(1000);
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, "5", null, 5n, {}])(
    "%s as a limit throws, and the error names the limit",
    (value) => {
      const given = { maxMessageBytes: value as number };
      expect(() => resolveLimits(defaults, given)).toThrow(
        expect.objectContaining({
          code: "invalid_limit",
          message: expect.stringContaining("maxMessageBytes") as string,
        }),
      );
    },
  );

  test("unknown names are ignored", () => {
    const given = JSON.parse('{"__proto__":{"maxMessageBytes":"x"},"constructor":1,"other":2}') as {
      maxMessageBytes?: number;
    };
    expect(resolveLimits({ maxMessageFragments: 3 }, given as object)).toEqual({
      maxMessageFragments: 3,
    });
  });
});
