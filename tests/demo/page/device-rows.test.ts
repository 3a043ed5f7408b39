import { expect, test } from "vitest";
import { rowsOf, typeFilterOf } from "../../../demo/page/src/live/device-rows.ts";
import type { RowChoice } from "../../../demo/page/src/live/device-rows.ts";
import { DeviceStore } from "../../../demo/page/src/live/device-store.ts";

function store(): DeviceStore {
  const made = new DeviceStore();
  made.applyRecord({ name: "ap-10", deviceType: "AP", clients: 3, site: "Lobby" }, 1);
  made.applyRecord({ name: "ap-2", deviceType: "AP", clients: 30 }, 1);
  made.applyRecord({ name: "host", deviceType: "machine", cpu: { percent: 5 } }, 1);
  made.applyInventory({ name: "old", deviceType: "AP", online: false, since: 1, lastSeen: 1 });
  return made;
}

function names(choice: Partial<RowChoice>): string[] {
  const whole = {
    params: {},
    search: "",
    sort: "name",
    direction: "ascending",
    ...choice,
  } as const;
  return rowsOf(store().devices(), whole).map((device) => device.name);
}

test("names are ordered as people count: ap-2 before ap-10", () => {
  expect(names({})).toEqual(["ap-2", "ap-10", "host", "old"]);
  expect(names({ direction: "descending" })).toEqual(["old", "host", "ap-10", "ap-2"]);
});

test("devices without the value come last in either direction", () => {
  expect(names({ sort: "clients" })).toEqual(["ap-10", "ap-2", "host", "old"]);
  expect(names({ sort: "clients", direction: "descending" })).toEqual([
    "ap-2",
    "ap-10",
    "host",
    "old",
  ]);
});

test("offline devices come first when sorted by state", () => {
  expect(names({ sort: "state" })[0]).toBe("old");
});

test("the list shows what the server was asked for, offline devices included", () => {
  expect(names({ params: { deviceType: "AP" } })).toEqual(["ap-2", "ap-10", "old"]);
  expect(names({ params: { name: "host" } })).toEqual(["host"]);
});

test("every word of the search has to be found, in any field", () => {
  expect(names({ search: "LOBBY ap" })).toEqual(["ap-10"]);
  expect(names({ search: "lobby host" })).toEqual([]);
});

test("params that no type button stands for are not taken for one", () => {
  expect(typeFilterOf({})).toBe("all");
  expect(typeFilterOf({ deviceType: "AP" })).toBe("AP");
  expect(typeFilterOf({ deviceType: "AP", site: "Lobby" })).toBeUndefined();
  expect(typeFilterOf({ deviceType: "toaster" })).toBeUndefined();
});
