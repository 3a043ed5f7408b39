import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** An importable class, according to its declarations. */
export interface PublicClass {
  name: string;
  implements: string[];
  /** Without the constructor and private members. */
  members: string[];
}

interface Declarations {
  /** The exports of the file, by their exported names. */
  names: Map<string, PublicClass | undefined>;
}

const read = new Map<string, Declarations>();

/** Returns all classes that the package's entries export, and all exported names. */
export function publicClasses(): { classes: PublicClass[]; names: Set<string> } {
  const classes = new Set<PublicClass>();
  const names = new Set<string>();
  for (const entry of entries()) {
    for (const [name, declared] of declarations(join(root, entry)).names) {
      names.add(name);
      if (declared !== undefined) classes.add(declared);
    }
  }
  return { classes: [...classes], names };
}

function entries(): string[] {
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    exports: Record<string, { types?: string }>;
  };
  // `longwire/ws` has handwritten declarations, like those of ws's own types.
  return Object.values(exports).flatMap(({ types }) => types ?? []);
}

function declarations(file: string): Declarations {
  const known = read.get(file);
  if (known !== undefined) return known;
  const names: Declarations["names"] = new Map();
  read.set(file, { names });
  const text = readFileSync(file, "utf8").replaceAll(/\/\*\*?[^]*?\*\//g, "");
  for (const [, list, from] of text.matchAll(
    /^export (?:type )?\{([^}]*)\}(?: from "([^"]+)")?;/gm,
  )) {
    const { names: others } = from === undefined ? { names } : declarations(resolved(file, from));
    for (const item of list!.split(",").map((part) => part.trim().replace(/^type /, ""))) {
      if (item === "") continue;
      const [inside, outside = inside] = item.split(" as ") as [string, string?];
      names.set(outside, others.get(inside));
    }
  }
  for (const [, from] of text.matchAll(/^export \* from "([^"]+)";/gm)) {
    for (const [name, declared] of declarations(resolved(file, from!)).names)
      names.set(name, declared);
  }
  for (const [, name] of text.matchAll(
    /^export (?:declare )?(?:const|function|interface|type) (\w+)/gm,
  )) {
    names.set(name!, undefined);
  }
  const CLASS = /^export declare (?:abstract )?class (\w+)([^\n]*)\{\n([^]*?)^\}/gm;
  for (const [, name, heritage, body] of text.matchAll(CLASS)) {
    names.set(name!, {
      name: name!,
      implements: interfacesOf(heritage!),
      members: membersOf(body!),
    });
  }
  return { names };
}

function resolved(file: string, from: string): string {
  return join(dirname(file), from.replace(/\.[jt]s$/, ".d.ts"));
}

function interfacesOf(heritage: string): string[] {
  const list = /\bimplements (.*)/.exec(heritage)?.[1] ?? "";
  return list
    .replaceAll(/<[^>]*>/g, "")
    .split(",")
    .flatMap((name) => name.trim() || []);
}

function membersOf(body: string): string[] {
  const MEMBER = /^ {4}(?:(?:static|readonly|get|set|abstract|private) )*([\w#]+|\[[\w.]+\])/gm;
  const names = [...body.matchAll(MEMBER)].map(([, name]) => name!);
  return [...new Set(names)].filter((name) => name !== "constructor" && !name.startsWith("#"));
}
