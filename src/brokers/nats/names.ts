import { LiveError, type TopicDeclaration } from "../../topics/index.ts";
import { MAX_STREAM_NAME_LENGTH } from "./limits.ts";

/** What a topic is called in NATS. */
export interface TopicNames {
  readonly stream: string;
  /** Of a log topic its subject, of a keyed one what stands before its keys. */
  readonly subject: string;
  /** Where it is written which log the stream holds. */
  readonly record: string;
  /** Where leases are renewed. */
  readonly lease: string;
}

/** @throws LiveError `bad_request` for a name that is too long for NATS */
export function topicNames(
  prefix: string,
  { kind, name }: Pick<TopicDeclaration, "kind" | "name">,
): TopicNames {
  const token = tokenOf(name);
  const stream = [prefix, kind, token].join(SLASH);
  if (stream.length > MAX_STREAM_NAME_LENGTH) {
    const message = `The topic's name is too long for NATS: its stream would be named with ${stream.length} characters, and ${MAX_STREAM_NAME_LENGTH} are the most.`;
    throw new LiveError("bad_request", message);
  }
  return {
    stream,
    subject: `${prefix}.${kind}.${token}`,
    record: `${prefix}.meta.${kind}.${token}`,
    lease: `${prefix}.lease.${token}`,
  };
}

/** What all topics share. */
export function sharedNames(prefix: string): {
  meta: string;
  leases: string;
  installation: string;
} {
  return {
    meta: `${prefix}${SLASH}meta`,
    leases: `${prefix}${SLASH}lease`,
    // A subject of `meta`. Those of topics have one part more.
    installation: `${prefix}.meta.installation`,
  };
}

// NATS has a meaning for dots, wildcards and spaces, and makes a folder of a stream's name.
const SLASH = "+";
const DOT = ",";

/** Writes any text as one part of a subject: readable, and no two texts the same. */
export function tokenOf(text: string): string {
  if (text === "") return "=";
  return text.replace(/[^A-Za-z0-9_~-]/g, (unit) => {
    if (unit === "/") return SLASH;
    if (unit === ".") return DOT;
    const code = unit.charCodeAt(0).toString(16).toUpperCase();
    return code.length < 3 ? `=${code.padStart(2, "0")}` : `=u${code.padStart(4, "0")}`;
  });
}

/** Reads what `tokenOf` wrote. */
export function textOf(token: string): string {
  return token.replace(/\+|,|=u[0-9A-F]{4}|=[0-9A-F]{2}|=/g, (written) => {
    if (written === SLASH) return "/";
    if (written === DOT) return ".";
    if (written === "=") return "";
    return String.fromCharCode(Number.parseInt(written.replace(/^=u?/, ""), 16));
  });
}
