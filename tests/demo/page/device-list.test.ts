import { describe, expect, test } from "vitest";
import {
  DeviceHistory,
  type ReportTimes,
} from "../../../demo/page/src/live/charts/device-history.ts";
import type { Device } from "../../../demo/page/src/live/devices/device.ts";
import { Fleet } from "../../../demo/page/src/live/devices/fleet.ts";
import { measurementsOf } from "../../../demo/page/src/live/devices/device-record.ts";
import { countsOf } from "../../../demo/page/src/live/devices/device-rows.ts";
import type { DeviceReport, InventoryEntry } from "../../../demo/server/topics.ts";

const ap = (name: string, at: number, clients: unknown = 5): DeviceReport => ({
  name,
  deviceType: "AP",
  simulated: true,
  at,
  clients,
});
const listed = (name: string, online: boolean, since = 1_000): InventoryEntry => ({
  name,
  deviceType: "AP",
  simulated: true,
  online,
  since,
  lastSeen: since,
});
const named = <One extends { name: string }>(...all: One[]): Map<string, One> =>
  new Map(all.map((one) => [one.name, one]));

/** A page that is told what the topics hold. */
function page(): (
  reports: DeviceReport[],
  inventory: InventoryEntry[],
  isComplete?: boolean,
) => Record<string, Device> {
  const fleet = new Fleet();
  return (reports, inventory, isComplete = true) => {
    const topics = { reports: named(...reports), inventory: named(...inventory), isComplete };
    fleet.update(topics);
    return Object.fromEntries(fleet.all().map((device) => [device.name, device]));
  };
}

describe("online and offline", () => {
  test("a report without an inventory entry means that the device is online", () => {
    const devices = page()([ap("ap-1", 1)], []);
    expect(devices["ap-1"]).toMatchObject({ online: true, deviceType: "AP", simulated: true });
  });

  test("a device whose report was removed stays in the list as offline, without values", () => {
    const show = page();
    show([ap("ap-1", 1)], [listed("ap-1", true)]);
    const devices = show([], [listed("ap-1", false, 2_000)]);
    expect(devices["ap-1"]).toMatchObject({ online: false, since: 2_000, record: undefined });
    expect(countsOf(Object.values(devices))).toMatchObject({ online: 0, offline: 1 });
  });

  test("the inventory decides: a report that is still held does not make a device online", () => {
    const devices = page()([ap("ap-1", 1)], [listed("ap-1", false)]);
    expect(devices["ap-1"]).toMatchObject({ online: false, record: undefined });
    expect(devices["ap-1"]?.measurements.size).toBe(0);
  });

  test("a device that is filtered out is online, without values", () => {
    const show = page();
    show([ap("ap-1", 1)], [listed("ap-1", true)]);
    expect(show([], [listed("ap-1", true)])["ap-1"]).toMatchObject({
      online: true,
      record: undefined,
    });
  });

  test("a device that is in neither topic any more is gone", () => {
    const show = page();
    show([ap("ap-1", 1)], [listed("ap-1", true)]);
    expect(show([], [])).toEqual({});
  });

  test("unknown and malformed fields are ignored", () => {
    const devices = page()([{ ...ap("ap-1", 1, "many"), rfu: { deep: [1] } }], []);
    expect(devices["ap-1"]?.measurements.get("clients")).toBeUndefined();
  });
});

describe("successive lists", () => {
  test("old values stay visible until the requested ones arrive", () => {
    const show = page();
    show([ap("ap-1", 1), ap("ap-2", 1)], [listed("ap-1", true), listed("ap-2", true)]);
    const meanwhile = show([], [listed("ap-1", true), listed("ap-2", true)], false);
    expect(meanwhile["ap-1"]?.record).toBeDefined();
    const after = show([ap("ap-1", 2)], [listed("ap-1", true), listed("ap-2", true)]);
    expect(after["ap-1"]?.record).toMatchObject({ at: 2 });
    expect(after["ap-2"]?.record).toBeUndefined();
  });

  test("an unchanged device is the same object, so that its row is not rendered again", () => {
    const show = page();
    const [still, changing] = [ap("ap-1", 1), ap("ap-2", 1)];
    const before = show([still, changing], []);
    const after = show([still, ap("ap-2", 2)], []);
    expect(after["ap-1"]).toBe(before["ap-1"]);
    expect(after["ap-2"]).not.toBe(before["ap-2"]);
  });
});

describe("history", () => {
  const at = (atMs: number): ReportTimes => ({ atMs, stamp: atMs });

  test("a repeated report is not a second point", () => {
    const history = new DeviceHistory();
    const measured = new Map([["clients", 5]]);
    history.add("ap-1", measured, { atMs: 1_000, stamp: 7 });
    history.add("ap-1", measured, { atMs: 1_500, stamp: 7 });
    history.add("ap-1", measured, { atMs: 2_000, stamp: 8 });
    expect(history.points("ap-1")).toBe(2);
  });

  test("reports without a time are points all the same", () => {
    const history = new DeviceHistory();
    const measured = new Map([["clients", 5]]);
    history.add("ap-1", measured, { atMs: 1_000, stamp: undefined });
    history.add("ap-1", measured, { atMs: 2_000, stamp: undefined });
    expect(history.points("ap-1")).toBe(2);
  });

  test("a report without measurements is not a point", () => {
    const history = new DeviceHistory();
    history.add("ap-1", new Map(), { atMs: 1_000, stamp: 7 });
    expect(history.points("ap-1")).toBe(0);
  });

  test("holds a limited number of points per device, the newest ones", () => {
    const history = new DeviceHistory();
    for (let second = 0; second < 2_000; second += 1) {
      history.add("m", new Map([["cpu", second]]), at(second * 1_000));
    }
    expect(history.points("m")).toBeLessThanOrEqual(320);
    const [times, cpu] = history.columns("m", ["cpu"], 1_999_000 - 300_000);
    expect(times.filter((_, index) => cpu?.[index] !== null)).toHaveLength(301);
    expect(cpu?.at(-1)).toBe(1_999);
  });

  test("holds a limited number of devices: one that is silent gives its place to one that reports", () => {
    const history = new DeviceHistory();
    const cpu = new Map([["cpu", 1]]);
    for (let device = 0; device < 500; device += 1) history.add(`d-${device}`, cpu, at(device));
    history.add("early", cpu, at(1_000));
    expect([history.points("early"), history.points("d-0")]).toEqual([0, 1]);
    history.add("late", cpu, at(20_000));
    expect([history.points("late"), history.points("d-0")]).toEqual([1, 0]);
    expect(history.devices).toBe(500);
  });

  test("a device that is looked at has a history in any fleet", () => {
    const history = new DeviceHistory();
    const cpu = new Map([["cpu", 1]]);
    for (let device = 0; device < 500; device += 1) history.add(`d-${device}`, cpu, at(device));
    history.watch("seen");
    history.add("seen", cpu, at(1_000));
    expect([history.points("seen"), history.devices]).toEqual([1, 500]);
  });

  test("a silence is a gap, not a line between two points", () => {
    const history = new DeviceHistory();
    for (const second of [1, 2, 30])
      history.add("m", new Map([["cpu", second]]), at(second * 1_000));
    expect(history.columns("m", ["cpu"], 0)[1]).toEqual([1, 2, null, 30]);
  });

  test("a measure that appears later has no earlier values", () => {
    const history = new DeviceHistory();
    history.add("m", new Map([["cpu", 1]]), at(1_000));
    history.add("m", new Map([["eth0 rxBytes", 7]]), at(2_000));
    expect(history.columns("m", ["cpu", "eth0 rxBytes", "none"], 0).slice(1)).toEqual([
      [1, null],
      [null, 7],
      [null, null],
    ]);
  });

  test("time does not go back even if a device's clock does", () => {
    const history = new DeviceHistory();
    history.add("m", new Map([["cpu", 1]]), at(2_000));
    history.add("m", new Map([["cpu", 2]]), at(1_000));
    const [times] = history.columns("m", ["cpu"], 0);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});

test("a machine's traffic is the sum of its interfaces without loopback, in bits", () => {
  const measured = measurementsOf({
    interfaces: [
      { name: "lo", rxBytesPerSecond: 1_000, txBytesPerSecond: 1_000 },
      { name: "eth0", rxBytesPerSecond: 10, txBytesPerSecond: 1 },
      { name: "eth1", rxBytesPerSecond: 20, txBytesPerSecond: 2 },
      { rxBytesPerSecond: 5 },
    ],
    memory: { total: 200, used: 50 },
  });
  expect(measured.get("rxBits")).toBe(240);
  expect(measured.get("txBits")).toBe(24);
  expect(measured.get("traffic")).toBe(264);
  expect(measured.get("memory")).toBe(25);
});
