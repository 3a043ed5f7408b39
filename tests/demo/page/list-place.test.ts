import { expect, test } from "vitest";
import { hrefOf, placeOf, type ListPlace } from "../../../demo/page/src/live/devices/list-place.ts";
import { rangeOf, queryOf, routeOf } from "../../../demo/page/src/route.ts";

const plain = placeOf(new URLSearchParams());

test("the plain list has a plain address", () => {
  expect(hrefOf(plain)).toBe("#/");
});

test("every choice survives the round trip through the address", () => {
  const place: ListPlace = {
    filter: "AP",
    search: "hall & yard #1?",
    site: "大厅 A",
    sort: "channelUse",
    direction: "descending",
    isBySite: true,
    line: 120,
  };
  const href = hrefOf(place);
  expect(routeOf(href)).toEqual({ view: "devices" });
  expect(placeOf(queryOf(href))).toEqual(place);
});

test("the range of the charts is in a device's address; an unknown one is five minutes", () => {
  expect(routeOf("#/device/ap-1?range=1")).toEqual({ view: "device", name: "ap-1" });
  expect(["?range=1", "?range=99", ""].map((query) => rangeOf(`#/device/a${query}`))).toEqual([
    1, 5, 5,
  ]);
});

test("an address with unknown choices shows the plain list", () => {
  const query = queryOf("#/?type=router&order=random&group=7&line=-3");
  expect(placeOf(query)).toEqual(plain);
});
