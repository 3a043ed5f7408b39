import { describe, expect, test } from "vitest";
import { SparkRing } from "../../../demo/page/src/live/charts/spark-ring.ts";
import { AttentionWatch } from "../../../demo/page/src/live/devices/attention-news.ts";
import { Pressure } from "../../../demo/page/src/live/devices/attention.ts";
import type { Device } from "../../../demo/page/src/live/devices/device.ts";
import { Fleet } from "../../../demo/page/src/live/devices/fleet.ts";
import { stateTextOf, type Moment } from "../../../demo/page/src/live/devices/state-text.ts";
import { quantitiesOf } from "../../../demo/page/src/quantities.ts";
import { en } from "../../../demo/page/src/texts/en.ts";

/** Whether the device is over a limit after each of these CPU loads. */
function overAfter(...loads: readonly number[]): boolean[] {
  const pressure = new Pressure();
  return loads.map((percent) => {
    pressure.add({ cpu: { percent } });
    return pressure.isOver;
  });
}

describe("limits", () => {
  test("one peak is not over the limit, a lasting load is", () => {
    expect(overAfter(10, 100, 10)).toEqual([false, false, false]);
    expect(overAfter(10, ...Array<number>(20).fill(100)).at(-1)).toBe(true);
  });

  test("a device does not come and go while its load is just below the limit", () => {
    expect(overAfter(95, 88, 88, 88, 88, 88, 88, 88, 88).at(-1)).toBe(true);
    expect(overAfter(95, ...Array<number>(20).fill(70)).at(-1)).toBe(false);
  });
});

function deviceThat(online: boolean): Device {
  const fleet = new Fleet();
  const entry = { name: "a", deviceType: "AP", simulated: false, online, since: 0, lastSeen: 0 };
  fleet.update({ reports: new Map(), inventory: new Map([["a", entry]]), isComplete: true });
  return fleet.get("a")!;
}

describe("announcements", () => {
  test("the first state is not announced, and afterwards each device is announced once", () => {
    const watch = new AttentionWatch();
    expect(watch.next([deviceThat(false)])).toBeUndefined();
    expect(watch.next([deviceThat(false)])).toBeUndefined();
    expect(watch.next([deviceThat(true)])).toBeUndefined();
    expect(watch.next([deviceThat(false)])).toEqual({ added: ["a"], all: 1 });
  });
});

describe("the state's text", () => {
  const language = { t: en, q: quantitiesOf("en") };
  const asOfMs = new Date(2026, 0, 1, 18, 57).getTime();
  const text = (online: boolean, moment: Partial<Moment>): [string, string] => {
    const whole = { nowMs: 60_000, asOfMs, isConnected: true, ...moment };
    const state = stateTextOf(deviceThat(online), whole, language);
    return [state.text, state.detail.replaceAll("\u202f", " ")];
  };

  test("connected, it has an age", () => {
    expect(text(true, {})).toEqual(["Online", "for 1 m 0 s"]);
    expect(text(false, {})).toEqual(["Offline", "for 1 m 0 s"]);
  });

  test("over a limit, it names the measure and no duration, because only the time online is known", () => {
    const fleet = new Fleet();
    const report = { name: "a", deviceType: "AP", channelUse: 99, cpu: { percent: 50 } };
    const entry = { name: "a", deviceType: "AP", simulated: false, online: true };
    fleet.update({
      reports: new Map([["a", report]]),
      inventory: new Map([["a", { ...entry, since: 0, lastSeen: 0 }]]),
      isComplete: true,
    });
    const moment = { nowMs: 60_000, asOfMs, isConnected: true };
    expect(stateTextOf(fleet.get("a")!, moment, language)).toEqual({
      kind: "over",
      text: "Over limit",
      detail: "Channel use",
    });
  });

  test("disconnected, it says what was known last, and no age runs on", () => {
    expect(text(true, { isConnected: false })).toEqual(["was online at 18:57", ""]);
    expect(text(false, { isConnected: false })).toEqual(["was offline at 18:57", ""]);
  });
});

describe("sparklines", () => {
  test("a ring holds the newest points, and only those since the given time are drawn", () => {
    const ring = new SparkRing();
    for (let second = 1; second <= 100; second += 1) ring.add(second * 1_000, second);
    expect(ring.length).toBe(64);
    expect(ring.points(98_000)).toEqual({ times: [98, 99, 100], values: [98, 99, 100] });
  });

  test("a silence is a gap", () => {
    const ring = new SparkRing();
    ring.add(1_000, 1);
    ring.add(20_000, 2);
    expect(ring.points(0).values).toEqual([1, null, 2]);
  });
});
