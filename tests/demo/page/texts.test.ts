import { expect, test } from "vitest";
import { preferredLanguage } from "../../../demo/page/src/preferred-language.ts";
import { en } from "../../../demo/page/src/texts/en.ts";
import { zhCn } from "../../../demo/page/src/texts/zh-cn.ts";

/** Every path to a text, with the number of values that the text takes. */
function paths(texts: object, prefix = ""): string[] {
  return Object.entries(texts).flatMap(([key, value]: [string, unknown]) => {
    if (typeof value === "function") return [`${prefix}${key}(${value.length})`];
    return typeof value === "object" && value !== null
      ? paths(value, `${prefix}${key}.`)
      : [`${prefix}${key}`];
  });
}

test("both languages have the same keys, and their texts have the same parameters", () => {
  expect(paths(zhCn).toSorted()).toEqual(paths(en).toSorted());
});

test("no text is empty, except the space between two Chinese sentences", () => {
  const empty = (texts: object): string[] =>
    Object.entries(texts).flatMap(([key, value]: [string, unknown]) =>
      typeof value === "object" && value !== null ? empty(value) : value === "" ? [key] : [],
    );
  expect(empty(en)).toEqual([]);
  expect(empty(zhCn)).toEqual(["gap"]);
});

test("the page uses the first of the browser's languages that it supports, otherwise English", () => {
  expect(preferredLanguage(["zh-Hans-CN", "en"])).toBe("zh-CN");
  expect(preferredLanguage(["de-DE", "en-GB", "zh"])).toBe("en");
  expect(preferredLanguage(["fr"])).toBe("en");
});
