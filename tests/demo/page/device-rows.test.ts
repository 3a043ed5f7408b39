import { describe, expect, test } from "vitest";
import {
  foundIn,
  sitesOf,
  type RowChoice,
} from "../../../demo/page/src/live/devices/device-rows.ts";
import type { Device } from "../../../demo/page/src/live/devices/device.ts";
import { Fleet } from "../../../demo/page/src/live/devices/fleet.ts";
import { groupsOf, layoutOf, lineAt } from "../../../demo/page/src/live/devices/row-layout.ts";
import { RowOrder, sortedBy, type Order } from "../../../demo/page/src/live/devices/row-order.ts";

/** Access points with these channel uses, in percent, at sites. */
function update(fleet: Fleet, uses: Readonly<Record<string, number>>): readonly Device[] {
  const reports = Object.entries(uses).map(([name, channelUse], index) => ({
    name,
    deviceType: "AP",
    site: index % 2 === 0 ? "Lobby" : "Yard",
    channelUse,
  }));
  const host = { name: "host", deviceType: "machine", cpu: { percent: 5 } };
  const old = { name: "old", deviceType: "AP", simulated: true, online: false };
  fleet.update({
    reports: new Map([...reports, host].map((one) => [one.name, one])),
    inventory: new Map([["old", { ...old, since: 1, lastSeen: 1 }]]),
    isComplete: true,
  });
  return fleet.all();
}

const usual = { "ap-10": 30, "ap-2": 3 };
const names = (devices: readonly Device[]): string[] => devices.map(({ name }) => name);

describe("order", () => {
  const devices = update(new Fleet(), usual);

  test("names are ordered numerically, ap-2 before ap-10, and real devices before simulated ones", () => {
    expect(names(devices)).toEqual(["ap-2", "ap-10", "host", "old"]);
    expect(names(sortedBy(devices, { sort: "name", direction: "descending" }))).toEqual([
      "host",
      "ap-10",
      "ap-2",
      "old",
    ]);
  });

  test("devices without the value come last in either direction", () => {
    const sort = "channelUse";
    const rest = ["host", "old"];
    expect(names(sortedBy(devices, { sort, direction: "ascending" }))).toEqual([
      "ap-2",
      "ap-10",
      ...rest,
    ]);
    expect(names(sortedBy(devices, { sort, direction: "descending" }))).toEqual([
      "ap-10",
      "ap-2",
      ...rest,
    ]);
  });

  test("offline devices come first when sorted by state", () => {
    expect(names(sortedBy(devices, { sort: "state", direction: "ascending" }))[0]).toBe("old");
  });
});

describe("rows that stay in place", () => {
  const order: Order = { sort: "channelUse", direction: "ascending", isHeld: false, nowMs: 0 };

  /** The first two rows, after the values have changed places and this time has passed. */
  function firstTwo(change: Partial<Order>): string[] {
    const fleet = new Fleet();
    const rows = new RowOrder();
    rows.place(update(fleet, usual), order);
    const devices = update(fleet, { "ap-10": 1, "ap-2": 3 });
    const placed = rows.place(devices, { ...order, ...change });
    return names(placed.map(({ device }) => device)).slice(0, 2);
  }

  test("rows sorted by a value change places every two seconds and not with every report", () => {
    expect(firstTwo({ nowMs: 1_000 })).toEqual(["ap-2", "ap-10"]);
    expect(firstTwo({ nowMs: 2_000 })).toEqual(["ap-10", "ap-2"]);
  });

  test("no row moves under a pointer, unless another order is chosen", () => {
    expect(firstTwo({ nowMs: 60_000, isHeld: true })).toEqual(["ap-2", "ap-10"]);
    const changed = { nowMs: 60_000, isHeld: true, sort: "name", direction: "descending" } as const;
    expect(firstTwo(changed)).toEqual(["host", "ap-10"]);
  });

  test("a device that comes to need attention stays in its group under a pointer", () => {
    const fleet = new Fleet();
    const rows = new RowOrder();
    rows.place(update(fleet, { "ap-2": 3 }), order);
    const urgent = (isHeld: boolean): boolean | undefined =>
      rows
        .place(update(fleet, { "ap-2": 1_000 }), { ...order, isHeld })
        .find(({ device }) => device.name === "ap-2")?.isUrgent;
    expect([urgent(true), urgent(false)]).toEqual([false, true]);
  });
});

describe("search and filter", () => {
  const fleet = new Fleet();
  const devices = update(fleet, usual);
  const found = (choice: Partial<RowChoice>): string[] => {
    const whole: RowChoice = { filter: "all", search: "", site: undefined, ...choice };
    return names(foundIn(devices, whole, (name) => fleet.searchText(name)));
  };

  test("the list shows what was requested from the server, including offline devices", () => {
    expect(found({ filter: "AP" })).toEqual(["ap-2", "ap-10", "old"]);
    expect(found({ filter: "machine" })).toEqual(["host"]);
  });

  test("every word of the search must match, in any field", () => {
    expect(found({ search: "LOBBY ap" })).toEqual(["ap-10"]);
    expect(found({ search: "lobby host" })).toEqual([]);
  });

  test("a site shows its own devices, and is counted with them", () => {
    expect(found({ site: "Yard" })).toEqual(["ap-2"]);
    expect(sitesOf(devices)).toEqual([
      { site: "Lobby", devices: 1, attention: 0 },
      { site: "Yard", devices: 1, attention: 0 },
    ]);
  });
});

describe("groups and lines", () => {
  const placed = update(new Fleet(), usual).map((device) => ({
    device,
    isUrgent: device.needsAttention,
  }));

  test("what needs attention comes first, then all others or one group per site", () => {
    const shown = (isBySite: boolean): [string, string[]][] =>
      groupsOf(placed, isBySite).map(({ id, devices }) => [id, names(devices)]);
    expect(shown(false)).toEqual([
      ["attention", ["old"]],
      ["others", ["ap-2", "ap-10", "host"]],
    ]);
    expect(shown(true)).toEqual([
      ["attention", ["old"]],
      ["site Lobby", ["ap-10"]],
      ["site Yard", ["ap-2"]],
      ["site ", ["host"]],
    ]);
  });

  test("the line at a height is the one that covers it, and the nearest one outside the list", () => {
    const layout = layoutOf(groupsOf(placed, false), { heading: 10, row: 20 });
    expect([...layout.tops]).toEqual([0, 10, 30, 40, 60, 80, 100]);
    const lines = [-5, 0, 9, 10, 59, 60, 500].map((y) => lineAt(layout, y));
    expect(lines).toEqual([0, 0, 0, 1, 3, 4, 5]);
  });
});
