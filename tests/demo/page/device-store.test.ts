import { describe, expect, test, vi } from "vitest";
import { DeviceHistory } from "../../../demo/page/src/live/device-history.ts";
import { measurementsOf } from "../../../demo/page/src/live/device-record.ts";
import { DeviceStore } from "../../../demo/page/src/live/device-store.ts";
import { countsOf } from "../../../demo/page/src/live/device-rows.ts";

const ap = (name: string, at: number, clients = 5): Record<string, unknown> => ({
  name,
  deviceType: "AP",
  simulated: true,
  at,
  clients,
});
const listed = (name: string, online: boolean, since = 1_000): Record<string, unknown> => ({
  name,
  deviceType: "AP",
  online,
  since,
  lastSeen: since,
});

function connectedStore(): DeviceStore {
  const store = new DeviceStore();
  store.connected("devices");
  store.connected("inventory");
  return store;
}

describe("online and offline", () => {
  test("a record without an inventory entry means that the device is online", () => {
    const store = connectedStore();
    store.applyRecord(ap("ap-1", 1), 1);
    expect(store.device("ap-1")).toMatchObject({ online: true, deviceType: "AP", simulated: true });
  });

  test("a removed device keeps its place in the list as offline, without values", () => {
    const store = connectedStore();
    store.applyInventory(listed("ap-1", true));
    store.applyRecord(ap("ap-1", 1), 1);
    store.applyRecord({ removed: "ap-1" }, 2);
    store.applyInventory(listed("ap-1", false, 2_000));
    expect(store.device("ap-1")).toMatchObject({ online: false, since: 2_000, record: undefined });
    expect(countsOf(store.devices())).toEqual({ online: 0, offline: 1 });
  });

  test("the inventory decides: a record that is still held does not make a device online", () => {
    const store = connectedStore();
    store.applyRecord(ap("ap-1", 1), 1);
    store.applyInventory(listed("ap-1", false));
    expect(store.device("ap-1")).toMatchObject({ online: false, record: undefined });
  });

  test("a removal because of narrower params leaves the device online, without values", () => {
    const store = connectedStore();
    store.applyInventory(listed("ap-1", true));
    store.applyRecord(ap("ap-1", 1), 1);
    store.applyRecord({ removed: "ap-1" }, 2);
    expect(store.device("ap-1")).toMatchObject({ online: true, record: undefined });
  });

  test("unknown fields do no harm, and a record without a name is logged and ignored", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const store = connectedStore();
    store.applyRecord({ ...ap("ap-1", 1), rfu: { deep: [1] }, clients: "many" }, 1);
    store.applyRecord({ clients: 4 }, 1);
    expect(store.devices().map((device) => device.name)).toEqual(["ap-1"]);
    expect(store.device("ap-1")?.measurements.get("clients")).toBeUndefined();
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
  });
});

describe("after a reconnect", () => {
  test("what the new connections did not bring vanishes at the sweep", () => {
    const store = connectedStore();
    for (const name of ["stays", "gone"]) {
      store.applyInventory(listed(name, true));
      store.applyRecord(ap(name, 1), 1);
    }
    const devices = store.connected("devices");
    const inventory = store.connected("inventory");
    store.applyRecord(ap("stays", 2), 2);
    store.applyInventory(listed("stays", true));
    expect(store.device("gone")).toBeDefined();
    store.sweep("devices", devices);
    store.sweep("inventory", inventory);
    expect(store.devices().map((device) => device.name)).toEqual(["stays"]);
  });

  test("a device that went offline meanwhile is offline as soon as the inventory says so", () => {
    const store = connectedStore();
    store.applyInventory(listed("ap-1", true));
    store.applyRecord(ap("ap-1", 1), 1);
    const devices = store.connected("devices");
    store.connected("inventory");
    store.applyInventory(listed("ap-1", false, 5_000));
    expect(store.device("ap-1")).toMatchObject({ online: false, since: 5_000 });
    store.sweep("devices", devices);
    expect(store.device("ap-1")).toMatchObject({ online: false });
  });

  test("a sweep of a connection that was itself replaced drops nothing", () => {
    const store = connectedStore();
    store.applyRecord(ap("ap-1", 1), 1);
    const second = store.connected("devices");
    store.connected("devices");
    store.sweep("devices", second);
    expect(store.device("ap-1")).toBeDefined();
  });
});

describe("params", () => {
  test("records that narrower params do not ask for lose their values: nobody renews them", () => {
    const store = connectedStore();
    for (const name of ["ap-1", "ap-2"]) {
      store.applyInventory(listed(name, true));
      store.applyRecord(ap(name, 1), 1);
    }
    store.narrow({ name: "ap-2" });
    expect(store.device("ap-1")).toMatchObject({ online: true, record: undefined });
    expect(store.device("ap-2")?.record).toBeDefined();
  });

  test("the same report sent again is not a second point of the history", () => {
    const store = connectedStore();
    store.applyRecord(ap("ap-1", 1), 1_000);
    store.applyRecord(ap("ap-1", 1), 1_500);
    store.applyRecord(ap("ap-1", 2), 2_000);
    expect(store.history.points("ap-1")).toBe(2);
  });
});

describe("history", () => {
  test("holds a bounded number of points a device, the newest ones", () => {
    const history = new DeviceHistory();
    for (let second = 0; second < 2_000; second += 1) {
      history.add("m", new Map([["cpu", second]]), second * 1_000);
    }
    expect(history.points("m")).toBeLessThanOrEqual(320);
    const [times, cpu] = history.columns("m", ["cpu"], 1_999_000 - 300_000);
    expect(times.filter((_, index) => cpu?.[index] !== null)).toHaveLength(301);
    expect(cpu?.at(-1)).toBe(1_999);
  });

  test("holds a bounded number of devices: the one that was quiet longest goes", () => {
    const history = new DeviceHistory();
    for (let device = 0; device < 600; device += 1) {
      history.add(`d-${device}`, new Map([["cpu", 1]]), device);
      history.add("busy", new Map([["cpu", 1]]), device);
    }
    expect(history.devices).toBe(500);
    expect(history.points("busy")).toBe(320);
    expect(history.points("d-0")).toBe(0);
  });

  test("a silence is a gap, not a line between two points", () => {
    const history = new DeviceHistory();
    for (const second of [1, 2, 30]) history.add("m", new Map([["cpu", second]]), second * 1_000);
    expect(history.columns("m", ["cpu"], 0)[1]).toEqual([1, 2, null, 30]);
  });

  test("a measure that comes later has no values before", () => {
    const history = new DeviceHistory();
    history.add("m", new Map([["cpu", 1]]), 1_000);
    history.add("m", new Map([["eth0 rxBytes", 7]]), 2_000);
    expect(history.columns("m", ["cpu", "eth0 rxBytes", "none"], 0).slice(1)).toEqual([
      [1, null],
      [null, 7],
      [null, null],
    ]);
  });

  test("time runs forward even when a device's clock goes back", () => {
    const history = new DeviceHistory();
    history.add("m", new Map([["cpu", 1]]), 2_000);
    history.add("m", new Map([["cpu", 2]]), 1_000);
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
