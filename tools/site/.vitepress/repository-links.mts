import { existsSync } from "node:fs";
import { posix } from "node:path";
import { join } from "node:path";
import type { MarkdownRenderer } from "vitepress";
import { pageOf, sourceOf } from "./lifted-pages.mts";
import { root } from "./places.mts";

type Token = ReturnType<MarkdownRenderer["parse"]>[number];

/**
 * Makes links work that are written for readers of the repository.
 *
 * A link to a file that the site shows becomes a link to its page. One to another file, such as
 * `demo/`, becomes plain text: the site has no copy of it, and the repository no known address.
 */
export function repositoryLinks(md: MarkdownRenderer): void {
  md.core.ruler.push("repository-links", ({ tokens, env }) => {
    const { relativePath } = env as { relativePath: string };
    for (const { children } of tokens) if (children !== null) rewrite(children, relativePath);
  });
}

function rewrite(tokens: Token[], page: string): void {
  const open: Token[] = [];
  for (const token of tokens) {
    if (token.type === "image") rewriteAttribute(token, "src", page);
    if (token.type === "link_open") {
      open.push(token);
      if (!rewriteAttribute(token, "href", page)) unlink(token);
    }
    if (token.type === "link_close" && open.pop()?.tag === "span") unlink(token);
  }
}

function unlink(token: Token): void {
  Object.assign(token, { type: token.type.replace("link", "path"), tag: "span", attrs: null });
}

/** @returns whether what it points at is part of the site */
function rewriteAttribute(token: Token, name: string, page: string): boolean {
  const link = token.attrGet(name) ?? "";
  if (link === "" || /^(?:[a-z][a-z\d+.-]*:|\/|#)/i.test(link)) return true;
  const [, path = "", hash = ""] = /^([^#]*)(#.*)?$/.exec(link) ?? [];
  const source = sourceOf(page);
  const target = posix.join(posix.dirname(source), decodeURI(path));
  if (!existsSync(join(root, target))) throw new Error(`Dead link in ${source}: ${link}`);
  const shown = pageOf(target);
  if (shown === undefined) return false;
  const relative = posix.relative(posix.dirname(page), shown);
  token.attrSet(name, `${relative.startsWith(".") ? "" : "./"}${relative}${hash}`);
  return true;
}
