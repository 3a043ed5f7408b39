import type { AnswerMessage } from "../../wire/index.ts";

/** A publish over plain HTTP, with its credentials. */
export interface Parting {
  /** The live server's URL, as passed to `connect`. */
  url: string;
  topic: string;
  /** JSON with `data` or `remove`, and the idempotency key. */
  body: string;
  token: string | undefined;
}

/**
 * Publishes with a request that the browser completes even after its page is gone. (Fetch §2.2.5,
 * "keepalive")
 *
 * It has a text body and no further headers, except for a token, so that a cross-origin page needs
 * no preflight, for which there is no time.
 *
 * @returns the server's answer, if the page still exists to receive it and the answer is valid
 */
export async function postParting({
  url,
  topic,
  body,
  token,
}: Parting): Promise<
  Pick<AnswerMessage & { type: "published" }, "offset" | "duplicate"> | undefined
> {
  // A WebSocket's URL may be relative. (WHATWG WebSockets §3.1)
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
