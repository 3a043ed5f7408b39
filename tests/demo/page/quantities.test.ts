import { expect, test } from "vitest";
import { missing, quantitiesOf } from "../../../demo/page/src/quantities.ts";
import { deviceHref, routeOf } from "../../../demo/page/src/route.ts";

const en = quantitiesOf("en");
const zh = quantitiesOf("zh-CN");
const plain = (text: string): string => text.replace(/\u202f|\u00a0/g, " ");

test("a missing value is an em dash, whatever its unit", () => {
  const shown = [
    en.number(undefined),
    en.percent(undefined),
    en.data(undefined, "B/s"),
    en.duration(undefined),
    en.milliseconds(Number.NaN),
    en.ago(undefined, 0),
    en.moment(undefined),
    zh.decibels(undefined),
  ];
  expect(new Set(shown)).toEqual(new Set([missing]));
});

test("amounts of data use the unit that keeps them short", () => {
  expect(plain(en.data(312, "B"))).toBe("312 B");
  expect(plain(en.data(3_400, "B"))).toBe("3.4 kB");
  expect(plain(en.data(16_600_000_000, "B"))).toBe("17 GB");
  expect(plain(en.data(0, "bit/s"))).toBe("0 bit/s");
  expect(plain(en.data(12_340_000, "bit/s"))).toBe("12 Mb/s");
});

test("no amount is shown as 1,000 of a unit", () => {
  expect(plain(en.data(999_400, "bit/s"))).toBe("999 kb/s");
  expect(plain(en.data(999_600, "bit/s"))).toBe("1.0 Mb/s");
  expect(plain(en.data(999.7, "B"))).toBe("1.0 kB");
});

test("durations have their two largest units, in the language's words", () => {
  expect(plain(en.duration(95))).toBe("1 m 35 s");
  expect(plain(en.duration(3 * 86_400 + 4 * 3_600 + 5))).toBe("3 d 4 h");
  expect(zh.duration(7_260)).toBe("2小时 1分钟");
});

test("ages are in milliseconds below one second, and in seconds from there", () => {
  expect(plain(en.milliseconds(14.4))).toBe("14 ms");
  expect(plain(en.milliseconds(-0.3))).toBe("0 ms");
  expect(plain(en.milliseconds(1_500))).toBe("1.5 s");
  expect(zh.milliseconds(10_000)).toBe("10秒");
});

test("recent times are formatted in the language's own way, and never lie in the future", () => {
  expect(en.ago(0, 7_200_000)).toBe("2 hours ago");
  expect(zh.ago(0, 7_200_000)).toBe("2小时前");
  expect(en.ago(5_000, 0)).toBe("now");
});

test("any device name survives the round trip through the hash", () => {
  for (const name of ["ap-1", "a/b #?%", "网关"]) {
    expect(routeOf(deviceHref(name))).toEqual({ view: "device", name });
  }
});

test("an unknown hash shows the devices", () => {
  expect(routeOf("")).toEqual({ view: "devices" });
  expect(routeOf("#/nowhere")).toEqual({ view: "devices" });
  expect(routeOf("#/device/%E0%A4%A")).toEqual({ view: "device", name: "%E0%A4%A" });
});
