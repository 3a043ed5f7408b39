import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** The id of a heading as GitHub makes it, so that a link works there and on the site. */
export function slugOf(heading: string): string {
  return heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, "")
    .replaceAll(" ", "-");
}

/**
 * Checks the links that VitePress does not: those to a heading, and those of menus and sidebars.
 *
 * @throws Error that names all links to a page or a heading that is not there
 */
export function checkLinks(site: string, base: string): void {
  const pages = new Map(
    readdirSync(site, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".html"))
      .map((path) => [path, readFileSync(join(site, path), "utf8")]),
  );
  const ids = new Map(
    [...pages].map(([path, html]) => [path, new Set(all(html, / id="([^"]+)"/g))]),
  );
  const dead = [...pages].flatMap(([path, html]) =>
    all(html, /<a [^>]*?href="([^"]+)"/g)
      .filter((link) => isDead(targetOf(link, path, base), ids))
      .map((link) => `${path}: ${link}`),
  );
  if (dead.length > 0) throw new Error(`These links lead nowhere:\n${dead.join("\n")}`);
}

interface Target {
  readonly page: string;
  readonly id: string;
}

function isDead(target: Target | undefined, ids: ReadonlyMap<string, Set<string>>): boolean {
  if (target === undefined) return false;
  const known = ids.get(target.page);
  return known === undefined || (target.id !== "" && !known.has(target.id));
}

/** The page that a link leads to; `undefined` for another site, and for what is no page. */
function targetOf(link: string, from: string, base: string): Target | undefined {
  if (/^[a-z][a-z\d+.-]*:/i.test(link)) return undefined;
  const [path = "", id = ""] = link.split("#");
  const whole = path.startsWith(base)
    ? path.slice(base.length)
    : posix.join(posix.dirname(from), path);
  const page = path === "" ? from : whole.replace(/(^|\/)$/, "$1index.html");
  return page.endsWith(".html") ? { page, id: decodeURIComponent(id) } : undefined;
}

function all(html: string, pattern: RegExp): string[] {
  return [...html.matchAll(pattern)].map(([, found]) => found!.replaceAll("&amp;", "&"));
}
