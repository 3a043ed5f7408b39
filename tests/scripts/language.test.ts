// language-ok-file: the phrases that the lint finds are its test data.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const script = fileURLToPath(new URL("../../scripts/language.mjs", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "longwire-language-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Checks files, and returns the findings of each as "line: rule". */
function check(files: Record<string, string>): Map<string, string[]> {
  const names = Object.keys(files);
  for (const name of names) writeFileSync(join(folder, name), files[name]!);
  const { stdout, status } = spawnSync(process.execPath, [script, ...names], {
    cwd: folder,
    encoding: "utf8",
  });
  const found = new Map<string, string[]>(names.map((name) => [name, []]));
  const lines = [...stdout.matchAll(/^(.+?):(\d+): (.+?) \("/gm)];
  for (const [, name, line, rule] of lines) found.get(name!)?.push(`${line}: ${rule}`);
  expect(status).toBe(lines.length === 0 ? 0 : 1);
  return found;
}

function findings(name: string, text: string): string[] {
  return check({ [name]: text }).get(name)!;
}

const RULES: [rule: string, bad: string, good: string][] = [
  [
    "headless Who",
    "Who has read up to here misses nothing.",
    "A reader who is past this offset misses nothing.",
  ],
  ["headless What", "What came last stays.", "The value that arrived last stays. What if not?"],
  [
    "fronted Of",
    "Of a keyed topic, it skips values.",
    "On a keyed topic, it skips values. Of course, it does.",
  ],
  ["anew", "The client begins anew.", "The client starts again."],
  ["let go of", "It lets go of the socket.", "It releases the socket. Bytes that it lets through."],
  ["is none", "The address is none of NATS.", "There is none."],
  ["is no", "The address is no URL.", "There is no order. It is no longer open."],
  ["by himself", "The operator does it by himself.", "The client falls back by itself."],
  ["are others", "The new params are others.", "There are others who wait."],
  ["befell", "Reports what befell it.", "Reports what happened to it."],
  ["is nothing that", "It is nothing that JSON can hold.", "There is nothing to send."],
  ["hears", "The application hears of it.", "The application is notified."],
  ["tells", "It tells nobody.", "It tells them apart."],
  ["says nothing", "The server says nothing.", "Its name says it all."],
  ["give some that", "give one that is free.", "give a free port."],
  ["of which", "a stream of which nothing was read", "a stream, most of which was read"],
  ["obeys", "It obeys the message.", "It handles the message."],
  ["comes back where", "It comes back where it was.", "It comes back."],
  ["of its own accord", "It closes of its own accord.", "It closes on its own."],
  ["as it stands", "It is sent as it stands.", "It is sent unchanged."],
];

describe("every rule", () => {
  let found: Map<string, string[]>;
  beforeAll(() => {
    const files = RULES.flatMap(([rule, bad, good]) => [
      [`${rule}.bad.ts`, `// ${bad}\n\n/** ${bad} */\nf("${bad}");\n`],
      [`${rule}.bad.md`, `# Title\n\n- ${bad}\n`],
      [`${rule}.good.ts`, `// ${good}\nf("${good}");\n`],
      [`${rule}.good.md`, `${good}\n`],
    ]);
    found = check(Object.fromEntries(files));
  });

  test.each(RULES)("%s: finds its phrase in comments, strings and Markdown", (rule) => {
    expect(found.get(`${rule}.bad.ts`)).toEqual([`1: ${rule}`, `3: ${rule}`, `4: ${rule}`]);
    expect(found.get(`${rule}.bad.md`)).toEqual([`3: ${rule}`]);
  });

  test.each(RULES)("%s: accepts the plain sentence", (rule) => {
    expect(found.get(`${rule}.good.ts`)).toEqual([]);
    expect(found.get(`${rule}.good.md`)).toEqual([]);
  });
});

test("A sentence that runs over several lines is found at the line of the phrase", () => {
  expect(findings("lines.ts", "x();\n// The socket is\n// no socket.\n")).toEqual(["2: is no"]);
  expect(findings("doc.ts", "/**\n * Text. The client\n * begins anew.\n */\n")).toEqual([
    "3: anew",
  ]);
});

test("An allow comment exempts its line and the next, and only with a reason", () => {
  expect(findings("ok.ts", "// language-ok: quotes the RFC\n// It begins anew.\n")).toEqual([]);
  expect(findings("ok.md", "<!-- language-ok: a title -->\nIt begins anew.\n")).toEqual([]);
  expect(findings("no.ts", "// language-ok:\n// It begins anew.\n")).toEqual(["2: anew"]);
  expect(findings("file.ts", "// language-ok-file: data\n\n\n// It begins anew.\n")).toEqual([]);
});

test("Questions, headings, labels, code and quotations are not checked", () => {
  expect(findings("a.ts", '// What is left? The RFC says: "It begins anew."\n')).toEqual([]);
  expect(findings("b.md", "## What is in the package\n\n`anew` is a word.\n")).toEqual([]);
  expect(findings("d.md", "- **Who pays.** The payer is an identity.\n")).toEqual([]);
  expect(findings("c.ts", "const anew = /anew/.test(x / 2);\n")).toEqual([]);
});

test("Code in Markdown and in Vue components is checked as code", () => {
  expect(findings("a.md", "```js\nconst anew = 1;\n// It begins anew.\n```\n")).toEqual([
    "3: anew",
  ]);
  const component = '<template>\n  <p anew="">begin anew</p>\n</template>\n';
  expect(findings("a.vue", `${component}<script>\n// anew\n</script>\n`)).toEqual([
    "5: anew",
    "2: anew",
  ]);
});

test("Template literals are checked around their substitutions", () => {
  expect(findings("a.ts", 'f(`It begins ${g("a b", { x })} anew`);\n')).toEqual(["1: anew"]);
});
