import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { docs, root } from "./places.mts";

/** Pages of the repository that lie outside of docs/, by where the site shows them. */
export const LIFTED: Readonly<Record<string, string>> = {
  "project/overview.md": "README.md",
  "project/changelog.md": "CHANGELOG.md",
  "project/contributing.md": "CONTRIBUTING.md",
  "project/security-policy.md": "SECURITY.md",
  "zh/project/overview.md": "README.zh-CN.md",
};

/** Copies them into docs/, since VitePress reads one folder only; git ignores the copies. */
export function liftPages(): void {
  for (const [page, source] of Object.entries(LIFTED)) {
    const path = join(docs, page);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, readFileSync(join(root, source)));
  }
}

/** The file in the repository that a page of the site was written as. */
export function sourceOf(page: string): string {
  return LIFTED[page] ?? `docs/${page}`;
}

/** The page of the site that shows a file of the repository, if there is one. */
export function pageOf(source: string): string | undefined {
  if (source.startsWith("docs/")) return source.slice("docs/".length);
  return Object.keys(LIFTED).find((page) => LIFTED[page] === source);
}
