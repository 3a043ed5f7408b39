import type { ConnectionOptions as TlsOptions } from "node:tls";
import { fieldValues, type HeaderFields } from "../../../protocol/index.ts";
import { basicAuthorization, credentialsOf } from "../credentials.ts";
import type { OpenOptions } from "../open-options.ts";

/** The parts of a request that a redirect may change. */
export interface Destination {
  /** Without credentials: those are in `headers`, and never in messages. */
  url: URL;
  headers: HeaderFields;
  tls: TlsOptions | undefined;
}

/** Returns the first destination of an attempt. @throws LongwireError `invalid_credentials` */
export function firstDestination({ url: given, headers, tls }: OpenOptions): Destination {
  const url = new URL(given);
  url.username = "";
  url.password = "";
  const credentials = credentialsOf(given, "the URL");
  // An explicit header overrides the credentials in the URL.
  if (credentials === undefined || fieldValues(headers, "authorization").length > 0) {
    return { url, headers, tls };
  }
  const authorization = basicAuthorization(credentials, "the URL");
  return { url, headers: [...headers, ["Authorization", authorization]], tls };
}
