import { createClient, ErrorReply } from "redis";
import { LongwireError } from "../../../base/index.ts";
import type { RedisBrokerOptions } from "../redis-options.ts";

export type Client = ReturnType<typeof createClient>;

/** Creates a client that connects once; its owner decides when to reconnect. */
export function connectable({ url, client }: RedisBrokerOptions, timeoutMs: number): Client {
  return createClient({
    ...client,
    ...(url !== undefined && { url }),
    RESP: 3,
    disableOfflineQueue: true,
    socket: { connectTimeout: timeoutMs, ...client?.socket, reconnectStrategy: false },
  });
}

export function destroy(client: Client): void {
  if (client.isOpen) client.destroy();
}

/** Whether it is an error reply of Redis of this kind. */
export function isReply(error: unknown, code: string): boolean {
  return error instanceof ErrorReply && error.message.startsWith(code);
}

/** @param server the server's name for messages */
export function unreachable(server: string, cause: unknown): LongwireError {
  const { code, message: text = String(cause) } = (cause ?? {}) as {
    code?: string;
    message?: string;
  };
  const message = `${server} cannot be reached (${code ?? text.split("\n")[0]}); ${adviceOf(code ?? text)}.`;
  return new LongwireError("broker_unreachable", message, { cause });
}

function adviceOf(reason: string): string {
  if (reason.includes("cluster support disabled"))
    return "remove +cluster from the URL to use a single server";
  if (/^(WRONGPASS|NOAUTH|NOPERM|ERR)\b/.test(reason)) {
    return "check the credentials and that it is Redis 7 or Valkey";
  }
  if (/CERT|SELF_SIGNED|VERIFY|ERR_TLS|ERR_SSL/.test(reason)) {
    return "give the authority that signed its certificate, and use the host name in it";
  }
  if (reason.startsWith("MOVED")) return "its topics have moved to another server of the cluster";
  return "start it, or give the address of a running server";
}
