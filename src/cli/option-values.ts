import { readFileSync } from "node:fs";
import type { ConnectionOptions } from "node:tls";
import { InvalidArgumentError, type Command } from "commander";
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

/** Parses lines like `Name: value`. */
export function parseHeaders(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    lines.map((line) => splitPair(line, ":", "--header must be 'Name: value'")),
  );
}

/** Parses pairs like `name=value`. */
export function parseParams(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => splitPair(pair, "=", "--param must be name=value")),
  );
}

function splitPair(text: string, mark: string, usage: string): [string, string] {
  const at = text.indexOf(mark);
  if (at < 1) {
    throw new LongwireError("bad_option", `${usage}, not ${JSON.stringify(text)}.`);
  }
  return [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}

/** How a client verifies a server's certificate. */
export interface TrustOptions {
  ca?: string;
  insecure?: boolean;
}

/** Adds the options `--ca` and `--insecure`. */
export function withTrust(command: Command): Command {
  return command
    .option("--ca <file>", "trust only the certificate authorities in this PEM file")
    .option(
      "--insecure",
      "accept any certificate; for tests only, because anyone could pose as the server",
    );
}

/** Returns the TLS options for a connection. */
export function tlsOf({ ca, insecure }: TrustOptions): { tls?: ConnectionOptions } {
  if (ca === undefined && insecure !== true) return {};
  return {
    tls: {
      ...(ca !== undefined && { ca: readAuthorities(ca) }),
      ...(insecure === true && { rejectUnauthorized: false }),
    },
  };
}

function readAuthorities(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    const message = `The file ${file} cannot be read (${(cause as Error).message}); give --ca a PEM file.`;
    throw new LongwireError("unreadable_file", message, { cause });
  }
}
