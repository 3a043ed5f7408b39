import type { AnswerMessage } from "../wire/index.ts";

/** A publish as plain HTTP takes it, and who publishes. */
export interface Parting {
  /** The live server's, as `connect` was given it. */
  url: string;
  topic: string;
  /** JSON with `data`, or `remove`, and the idempotency key. */
  body: string;
  token: string | undefined;
}

/**
 * Publishes by a request that the browser finishes also when its page is gone. (Fetch §2.2.5,
 * "keepalive")
 *
 * A text body and no further header, unless there is a token, so that a page of another origin
 * needs no leave from the server first, for which there is no time.
 *
 * @returns the server's answer, if the page is there to take it, and it is one
 */
export async function postParting({
  url,
  topic,
  body,
  token,
}: Parting): Promise<
  Pick<AnswerMessage & { type: "published" }, "offset" | "duplicate"> | undefined
> {
  // A WebSocket's URL may be relative, too. (WHATWG WebSockets §3.1)
  const target = new URL(url, globalThis.location?.href);
  target.protocol = target.protocol.replace("ws", "http");
  target.pathname = target.pathname.replace(/\/?$/, `/${topic}`);
  // A topic with `..` in its name has no path of its own.
  if (!target.pathname.endsWith(topic)) return undefined;
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(target, {
    method: "POST",
    keepalive: true,
    credentials: "include",
    headers,
    body,
  });
  return response.ok ? await response.json() : undefined;
}
