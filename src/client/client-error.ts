import { LongwireError } from "../base/index.ts";

export function blockedPort(url: URL): LongwireError {
  const message = `Port ${url.port} belongs to another service and is blocked; use another port.`;
  return new LongwireError("blocked_port", message);
}

export function aborted(): LongwireError {
  return new LongwireError("aborted", "The connection was given up before it was open.");
}

export function lost(): LongwireError {
  const message = "The connection ended without a closing handshake. Reconnect.";
  return new LongwireError("connection_lost", message);
}

export function unreadable(cause: unknown): LongwireError {
  const message = "A Blob that was to be sent could not be read; send one that still exists.";
  return new LongwireError("unreadable_blob", message, { cause });
}
