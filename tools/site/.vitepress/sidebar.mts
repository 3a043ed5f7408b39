import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DefaultTheme } from "vitepress";
import { docs } from "./places.mts";

type Room = "tutorial" | "guides" | "concepts" | "reference" | "project";

/** What a newcomer needs comes first; a page that is not named here comes last in its room. */
const ORDER: Readonly<Record<Room, readonly string[]>> = {
  tutorial: ["index"],
  guides: [
    "live-server",
    "live-client",
    "recipes",
    "how-to",
    "coming-from",
    "bindings",
    "authentication",
    "connections",
    "commands",
    "testing",
    "brokers",
    "operating",
    "scaling",
    "rollouts",
    "client",
    "connecting",
    "compression",
    "http2",
  ],
  concepts: ["guarantees", "live-protocol", "architecture", "security", "stability", "reliability"],
  reference: ["limits", "command-line", "ws", "performance", "conformance"],
  project: ["overview", "changelog", "contributing", "security-policy"],
};

/**
 * The sidebar of a language: its rooms, with the pages that exist.
 *
 * @param folder of the language's pages in docs/, with a slash at its end, or nothing
 */
export function sidebar(
  folder: string,
  names: Readonly<Record<Room | "api", string>>,
): DefaultTheme.SidebarItem[] {
  const rooms = (Object.keys(ORDER) as Room[]).map((room) => ({
    text: names[room],
    items: [...pagesOf(folder, room), ...(room === "reference" ? api(folder, names.api) : [])],
  }));
  return rooms.filter(({ items }) => items.length > 0);
}

function pagesOf(folder: string, room: Room): DefaultTheme.SidebarItem[] {
  const path = join(docs, folder, room);
  if (!existsSync(path)) return [];
  const rank = (name: string): number => ORDER[room].indexOf(name) + 1 || Infinity;
  return readdirSync(path)
    .filter((file) => file.endsWith(".md"))
    .map((file) => file.slice(0, -".md".length))
    .sort((a, b) => (rank(a) === rank(b) ? a.localeCompare(b) : rank(a) - rank(b)))
    .map((name) => ({
      text: titleOf(join(path, `${name}.md`)),
      link: `/${folder}${room}/${name === "index" ? "" : name}`,
    }));
}

/** The reference is written in English only, for both languages. */
function api(folder: string, name: string): DefaultTheme.SidebarItem[] {
  const index = join(docs, "reference/api/index.md");
  if (folder !== "" || !existsSync(index)) return [];
  const entries = readFileSync(index, "utf8").matchAll(/^- \[(.+?)\]\((.+?)\.md\)$/gm);
  const items = [...entries].map(([, text, link]) => ({
    text: text!,
    link: `/reference/api/${link}`,
  }));
  return [{ text: name, link: "/reference/api/", collapsed: true, items }];
}

function titleOf(file: string): string {
  const title = /^# (.+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? file;
  return title.replaceAll("`", "");
}
