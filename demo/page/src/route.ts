/** The view that the hash selects. */
export type Route =
  | { readonly view: "devices" }
  | { readonly view: "device"; readonly name: string }
  | { readonly view: "connection" }
  | { readonly view: "connections" }
  | { readonly view: "why" };

export function routeOf(hash: string): Route {
  const [path = ""] = hash.replace(/^#\/?/, "").split("?");
  const [view = "", name = ""] = path.split("/");
  if (view === "device" && name !== "") return { view, name: decoded(name) };
  if (view === "connection" || view === "connections" || view === "why") return { view };
  return { view: "devices" };
}

/** The choices in the hash, as `?name=value`. */
export function queryOf(hash: string): URLSearchParams {
  const from = hash.indexOf("?");
  return new URLSearchParams(from === -1 ? "" : hash.slice(from + 1));
}

export function deviceHref(name: string): string {
  return `#/device/${encodeURIComponent(name)}`;
}

/** The ranges of a device's charts, in minutes; the last one is the default. */
export const ranges = [1, 5] as const;
export type RangeMinutes = (typeof ranges)[number];

export function rangeOf(hash: string): RangeMinutes {
  const asked = Number(queryOf(hash).get("range"));
  return ranges.find((range) => range === asked) ?? 5;
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
