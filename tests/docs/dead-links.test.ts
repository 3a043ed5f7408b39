import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { LIFTED } from "../../tools/site/.vitepress/lifted-pages.mts";
import { RunningProgram } from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 120_000 });

const root = resolve(import.meta.dirname, "../..");
const vitepress = join(root, "tools/site/node_modules/vitepress/bin/vitepress.js");

/** A repository with the site's own configuration and a page or two. */
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), "longwire-site-"));
  cpSync(join(root, "tools/site/.vitepress"), join(copy, "tools/site/.vitepress"), {
    recursive: true,
  });
  for (const path of ["tools/site/node_modules", "tools/site/package.json", "src"]) {
    symlinkSync(join(root, path), join(copy, path));
  }
  // As in the repository, where the pages find Vue among the packages of its own.
  symlinkSync(join(root, "tools/site/node_modules"), join(copy, "node_modules"));
  mkdirSync(join(copy, "docs/guides"), { recursive: true });
  for (const name of Object.values(LIFTED)) {
    writeFileSync(join(copy, name), `# ${name}\n\n[a guide](docs/guides/guide.md#a-part)\n`);
  }
  writeFileSync(join(copy, "docs/guides/guide.md"), "# A guide\n\n## A part\n");
});

afterAll(async () => {
  await RunningProgram.endAll();
  rmSync(copy, { recursive: true });
});

async function buildWith(link: string): Promise<RunningProgram> {
  writeFileSync(join(copy, "docs/index.md"), `# First page\n\n[somewhere](${link})\n`);
  const build = new RunningProgram(process.execPath, [
    vitepress,
    "build",
    join(copy, "tools/site"),
  ]);
  await build.exited;
  return build;
}

test.each([
  [
    "a page that is not there",
    "guides/other.md",
    /Dead link in docs\/index\.md: guides\/other\.md/,
  ],
  ["a heading that is not there", "guides/guide.md#other", /index\.html: .*guide\.html#other/],
])("a link to %s fails the build", async (_, link, message) => {
  const build = await buildWith(link);
  expect(await build.exited).toBe(1);
  expect(build.output).toMatch(message);
});
