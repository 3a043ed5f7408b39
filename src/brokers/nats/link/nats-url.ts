import { readFileSync } from "node:fs";
import { credsAuthenticator, nkeyAuthenticator } from "@nats-io/transport-node";
import { LongwireError } from "../../../base/index.ts";
import type { NatsBrokerOptions } from "../index.ts";

const SETTINGS = ["creds", "nkey", "ca", "cert", "key", "replicas", "storage"] as const;

type Setting = (typeof SETTINGS)[number];

/**
 * Reads the query of a NATS broker's URL, such as `?creds=FILE&replicas=3`.
 *
 * @throws LongwireError `bad_option`
 */
export function natsOptionsOf(text: string): NatsBrokerOptions {
  const [url = "", query = ""] = text.split("?");
  const given = new URLSearchParams(query);
  for (const name of given.keys()) {
    if ((SETTINGS as readonly string[]).includes(name)) continue;
    const message = `broker has ?${name}, which is not a NATS setting; use ${SETTINGS.join(", ")}.`;
    throw new LongwireError("bad_option", message);
  }
  const get = (name: Setting): string | undefined => given.get(name) ?? undefined;
  const replicas = get("replicas");
  const storage = get("storage");
  return {
    url,
    client: { ...credentialsOf(get("creds"), get("nkey")), ...tlsOf(get) },
    ...(replicas !== undefined && { replicas: Number(replicas) }),
    ...(storage !== undefined && { storage: storage === "memory" ? "memory" : "file" }),
  };
}

function credentialsOf(
  creds: string | undefined,
  nkey: string | undefined,
): NatsBrokerOptions["client"] {
  if (creds !== undefined) return { authenticator: credsAuthenticator(read(creds)) };
  if (nkey === undefined) return {};
  const seed = new TextEncoder().encode(new TextDecoder().decode(read(nkey)).trim());
  return { authenticator: nkeyAuthenticator(seed) };
}

function tlsOf(get: (name: Setting) => string | undefined): NatsBrokerOptions["client"] {
  const [caFile, certFile, keyFile] = [get("ca"), get("cert"), get("key")];
  if (caFile === undefined && certFile === undefined) return {};
  return {
    tls: {
      ...(caFile !== undefined && { caFile }),
      ...(certFile !== undefined && { certFile }),
      ...(keyFile !== undefined && { keyFile }),
    },
  };
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    throw new LongwireError("bad_option", `${path}, which the broker's URL names, cannot be read.`);
  }
}
