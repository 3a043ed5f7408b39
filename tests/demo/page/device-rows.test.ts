import { expect, test } from "vitest";
import { rowsOf } from "../../../demo/page/src/live/devices/device-rows.ts";
import type { RowChoice } from "../../../demo/page/src/live/devices/device-rows.ts";
import { DeviceList } from "../../../demo/page/src/live/devices/device-list.ts";
import type { Device } from "../../../demo/page/src/live/devices/device-list.ts";

function devices(): Device[] {
  const reports = [
    { name: "ap-10", deviceType: "AP", clients: 3, site: "Lobby" },
    { name: "ap-2", deviceType: "AP", clients: 30 },
    { name: "host", deviceType: "machine", cpu: { percent: 5 } },
  ];
  const old = { name: "old", deviceType: "AP", simulated: false, online: false };
  return new DeviceList().merge({
    reports: new Map(reports.map((one) => [one.name, one])),
    inventory: new Map([["old", { ...old, since: 1, lastSeen: 1 }]]),
    isComplete: true,
  });
}

function names(choice: Partial<RowChoice>): string[] {
  const whole = {
    filter: "all",
    search: "",
    sort: "name",
    direction: "ascending",
    ...choice,
  } as const;
  return rowsOf(devices(), whole).map((device) => device.name);
}

test("names are ordered numerically: ap-2 before ap-10", () => {
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

test("the list shows what was requested from the server, including offline devices", () => {
  expect(names({ filter: "AP" })).toEqual(["ap-2", "ap-10", "old"]);
  expect(names({ filter: "machine" })).toEqual(["host"]);
});

test("every word of the search must match, in any field", () => {
  expect(names({ search: "LOBBY ap" })).toEqual(["ap-10"]);
  expect(names({ search: "lobby host" })).toEqual([]);
});
