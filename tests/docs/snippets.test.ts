import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { snippetFiles, snippetNames } from "./snippet-names.ts";

const root = resolve(import.meta.dirname, "../..");

/** A code block, by the page and line where it begins. */
interface Snippet {
  page: string;
  line: number;
  code: string;
  isOfReact: boolean;
}

const pages = ["README.md"].concat(
  readdirSync(join(root, "docs"), { encoding: "utf8", recursive: true })
    // Those that the site's build has written are copies, or come from the docstrings.
    .filter((name) => name.endsWith(".md") && !/(?:^|\/)(?:api|project)\//.test(name))
    .map((name) => `docs/${name}`),
);

function snippetsOf(page: string): Snippet[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/```(js|ts|jsx|tsx)(?: [\w.]+)?\n([^]*?)```/g)].map((match) => ({
    page,
    line: text.slice(0, match.index).split("\n").length + 1,
    code: match[2]!,
    isOfReact: match[1]!.endsWith("x"),
  }));
}

// A project of its own: it sees what a user sees, the declarations of the built package.
test("every TypeScript and JavaScript block of the docs compiles as strict TypeScript", () => {
  mkdirSync(join(root, ".cache"), { recursive: true });
  const folder = mkdtempSync(join(root, ".cache/snippets-"));
  try {
    mkdirSync(join(folder, "node_modules"));
    symlinkSync(root, join(folder, "node_modules/longwire"));
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(STRICT));
    for (const [name, text] of Object.entries(snippetFiles))
      writeFileSync(join(folder, name), text);
    const snippets = pages.flatMap(snippetsOf);
    expect(snippets.length).toBeGreaterThan(40);
    for (const [at, snippet] of snippets.entries()) write(folder, at, snippet, []);
    // A block uses what earlier blocks of its page and the reader's own program have: it is declared
    // for those blocks that lack it.
    const missing = new Map<number, Set<string>>();
    for (const { at, name } of compile(folder)) {
      if (name !== undefined) missing.set(at, (missing.get(at) ?? new Set()).add(name));
    }
    for (const [at, names] of missing) write(folder, at, snippets[at]!, [...names]);
    const found = compile(folder).map(({ at, line, text }) => {
      const { page, line: first } = snippets[at]!;
      return `${page}:${first + line - 2}: ${text}`;
    });
    expect(found).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** On one line before the block, so that its lines stay what they are. */
function write(folder: string, at: number, snippet: Snippet, missing: readonly string[]): void {
  const { page, code, isOfReact } = snippet;
  const known = { ...snippetNames[""], ...snippetNames[page.replace("docs/zh/", "docs/")] };
  const declarations = missing.map((name) => known[name] ?? "").join(" ");
  const file = join(folder, `snippet-${at}.${isOfReact ? "tsx" : "ts"}`);
  writeFileSync(file, `${declarations} export {};\n${code}`);
}

interface CompilerError {
  /** Of which snippet. */
  at: number;
  line: number;
  text: string;
  /** The undeclared name, if that is the error. */
  name: string | undefined;
}

function compile(folder: string): CompilerError[] {
  const output = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], {
    encoding: "utf8",
  });
  const ERROR = /snippet-(\d+)\.tsx?\((\d+),\d+\): error (.*)/g;
  const errors = [...output.stdout.matchAll(ERROR)].map(([, at, line, text]) => ({
    at: Number(at),
    line: Number(line),
    text: text!,
    name: /(?:Cannot find name|shorthand property) '(\w+)'/.exec(text!)?.[1],
  }));
  // Anything else is a fault of the project and not of a block.
  if (errors.length === 0 && output.status !== 0) throw new Error(output.stdout);
  return errors;
}

const STRICT = {
  compilerOptions: {
    target: "es2023",
    lib: ["es2023", "dom", "dom.iterable"],
    types: ["node"],
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    jsx: "react-jsx",
    skipLibCheck: true,
    noEmit: true,
  },
};
