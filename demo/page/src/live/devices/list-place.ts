import type { RowChoice, SortDirection, TypeFilter } from "./device-rows.ts";

/** The choices and the position in the device list, to which Back returns. */
export interface ListPlace extends RowChoice {
  readonly sort: string;
  readonly direction: SortDirection;
  readonly isBySite: boolean;
  /** The index of the first line in sight, which does not depend on the screen as pixels do. */
  readonly line: number;
}

const types: readonly string[] = ["machine", "AP"] satisfies TypeFilter[];

export function placeOf(query: URLSearchParams): ListPlace {
  const type = query.get("type") ?? "";
  const line = Number(query.get("line"));
  return {
    filter: types.includes(type) ? (type as TypeFilter) : "all",
    search: query.get("search") ?? "",
    site: query.get("site") ?? undefined,
    sort: query.get("sort") ?? "name",
    direction: query.get("order") === "descending" ? "descending" : "ascending",
    isBySite: query.get("group") === "site",
    line: Number.isInteger(line) && line > 0 ? line : 0,
  };
}

/** Only what differs from the plain list is in the address. */
export function hrefOf(place: ListPlace): string {
  const query = new URLSearchParams();
  if (place.filter !== "all") query.set("type", place.filter);
  if (place.search !== "") query.set("search", place.search);
  if (place.site !== undefined) query.set("site", place.site);
  if (place.sort !== "name") query.set("sort", place.sort);
  if (place.direction !== "ascending") query.set("order", place.direction);
  if (place.isBySite) query.set("group", "site");
  if (place.line > 0) query.set("line", String(place.line));
  return query.size === 0 ? "#/" : `#/?${query}`;
}
