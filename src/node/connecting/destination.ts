import type { ConnectionOptions as TlsOptions } from "node:tls";
import { fieldValues, type HeaderFields } from "../../protocol/index.ts";
import { basicAuthorization, credentialsOf } from "./credentials.ts";
import type { OpenOptions } from "./open-options.ts";

/** What of a request changes from redirect to redirect. */
export interface Destination {
  /** Without user info: it is in `headers`, and never in messages. */
  url: URL;
  headers: HeaderFields;
  tls: TlsOptions | undefined;
}

/** Where an attempt goes first. @throws LongwireError `invalid_credentials` */
export function firstDestination({ url: given, headers, tls }: OpenOptions): Destination {
  const url = new URL(given);
  url.username = "";
  url.password = "";
  const credentials = credentialsOf(given, "the URL");
  // Who sets the header says more than who wrote the URL.
  if (credentials === undefined || fieldValues(headers, "authorization").length > 0) {
    return { url, headers, tls };
  }
  const authorization = basicAuthorization(credentials, "the URL");
  return { url, headers: [...headers, ["Authorization", authorization]], tls };
}
