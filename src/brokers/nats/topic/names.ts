import { LiveError, type TopicDeclaration } from "../../../topics/index.ts";
import { MAX_STREAM_NAME_LENGTH } from "../limits.ts";

/** The names of a topic in NATS. */
export interface TopicNames {
  readonly stream: string;
  /** A log topic's subject, or the prefix of a keyed topic's subjects. */
  readonly subject: string;
  /** The subject of the record that names the stream's log. */
  readonly record: string;
  /** The subject of lease renewals. */
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
    const message = `The topic's name is too long for NATS: its stream's name would have ${stream.length} characters, and the limit is ${MAX_STREAM_NAME_LENGTH}.`;
    throw new LiveError("bad_request", message);
  }
  return {
    stream,
    subject: `${prefix}.${kind}.${token}`,
    record: `${prefix}.meta.${kind}.${token}`,
    lease: `${prefix}.lease.${token}`,
  };
}

/** The names that all topics share. */
export function sharedNames(prefix: string): {
  meta: string;
  leases: string;
  installation: string;
} {
  return {
    meta: `${prefix}${SLASH}meta`,
    leases: `${prefix}${SLASH}lease`,
    // A subject of `meta`. Topics' subjects have one more token.
    installation: `${prefix}.meta.installation`,
  };
}

// NATS gives dots, wildcards and spaces a meaning, and uses a stream's name as a folder name.
const SLASH = "+";
const DOT = ",";

/** Encodes any text as one token of a subject: readable and unambiguous. */
export function tokenOf(text: string): string {
  if (text === "") return "=";
  return text.replace(/[^A-Za-z0-9_~-]/g, (unit) => {
    if (unit === "/") return SLASH;
    if (unit === ".") return DOT;
    const code = unit.charCodeAt(0).toString(16).toUpperCase();
    return code.length < 3 ? `=${code.padStart(2, "0")}` : `=u${code.padStart(4, "0")}`;
  });
}

/** Decodes the result of `tokenOf`. */
export function textOf(token: string): string {
  return token.replace(/\+|,|=u[0-9A-F]{4}|=[0-9A-F]{2}|=/g, (written) => {
    if (written === SLASH) return "/";
    if (written === DOT) return ".";
    if (written === "=") return "";
    return String.fromCharCode(Number.parseInt(written.replace(/^=u?/, ""), 16));
  });
}
