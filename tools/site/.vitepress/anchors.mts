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
 * Checks the part of each link that VitePress does not: the one behind `#`.
 *
 * @throws Error that names all links to a heading that is not there
 */
export function checkAnchors(site: string, base: string): void {
  const pages = new Map(
    readdirSync(site, { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".html"))
      .map((path) => [path, readFileSync(join(site, path), "utf8")]),
  );
  const ids = new Map(
    [...pages].map(([path, html]) => [path, new Set(all(html, / id="([^"]+)"/g))]),
  );
  const dead = [...pages].flatMap(([path, html]) =>
    all(html, /<a [^>]*?href="([^"]*#[^"]+)"/g)
      .filter((link) => {
        const target = targetOf(link, path, base);
        return target !== undefined && ids.get(target.path)?.has(target.id) === false;
      })
      .map((link) => `${path}: ${link}`),
  );
  if (dead.length > 0) throw new Error(`Links to headings that are not there:\n${dead.join("\n")}`);
}

function targetOf(link: string, from: string, base: string): Target | undefined {
  if (/^[a-z][a-z\d+.-]*:/i.test(link)) return undefined;
  const [path = "", id = ""] = link.split("#");
  const whole = path.startsWith(base)
    ? path.slice(base.length)
    : posix.join(posix.dirname(from), path);
  const file =
    path === "" ? from : whole === "" || whole.endsWith("/") ? `${whole}index.html` : whole;
  return { path: file, id: decodeURIComponent(id) };
}

interface Target {
  readonly path: string;
  readonly id: string;
}

function all(html: string, pattern: RegExp): string[] {
  return [...html.matchAll(pattern)].map(([, found]) => found!.replaceAll("&amp;", "&"));
}
