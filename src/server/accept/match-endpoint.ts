import type { Endpoint } from "../endpoint.ts";

/** Returns the first endpoint whose path pattern matches `path`. */
export function matchEndpoint(endpoints: readonly Endpoint[], path: string): Endpoint | undefined {
  return endpoints.find((endpoint) => isServed(endpoint.path, path));
}

function isServed(pattern: string | undefined, path: string): boolean {
  if (pattern === undefined || pattern === path) return true;
  if (!pattern.endsWith("/*")) return false;
  const base = pattern.slice(0, -2);
  return path === base || path.startsWith(`${base}/`);
}
