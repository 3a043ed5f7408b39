import { InvalidArgumentError } from "commander";
import { LongwireError } from "../base/index.ts";

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("Give a whole number.");
  return Number(text);
}

export function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new InvalidArgumentError("Give a port from 0 to 65535; 0 picks a free one.");
}

export function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

/** Makes a record of lines like `Name: value`. */
export function parseHeaders(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => splitPair(line, ":", "--header takes 'Name: value'")),
  );
}

/** Makes a record of pairs like `name=value`. */
export function parseParams(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => splitPair(pair, "=", "--param takes name=value")));
}

function splitPair(text: string, mark: string, usage: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 1) {
    throw new LongwireError("bad_option", `${usage}, and got ${JSON.stringify(text)}.`);
  }
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
