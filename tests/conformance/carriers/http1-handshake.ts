import { createHash } from "node:crypto";
import type { Duplex } from "node:stream";
import { handshake } from "../../rigs/sockets/raw-client.ts";

/** Requests an upgrade from a server; resolves with its `Sec-WebSocket-Extensions`. */
export async function askForUpgrade(
  stream: Duplex,
  extensions: string | undefined,
): Promise<string | undefined> {
  stream.write(handshake("/", { "Sec-WebSocket-Extensions": extensions }));
  const head = await headOf(stream);
  if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`The server responded: ${head}`);
  return field(head, "Sec-WebSocket-Extensions");
}

export interface UpgradeAsked {
  /** The path with its query. */
  target: string;
  extensions: string | undefined;
}

/** Accepts a client's upgrade; resolves with its request. */
export async function answerUpgrade(
  stream: Duplex,
  extensions: string | undefined,
): Promise<UpgradeAsked> {
  const head = await headOf(stream);
  const key = field(head, "Sec-WebSocket-Key") ?? "";
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${createHash("sha1").update(key).update(GUID).digest("base64")}`,
    ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
  ];
  stream.write(`${lines.join("\r\n")}\r\n\r\n`);
  const target = head.split(" ", 2)[1] ?? "";
  return { target, extensions: field(head, "Sec-WebSocket-Extensions") };
}

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Reads the head of a message from the stream, and leaves the rest on it. */
function headOf(stream: Duplex): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      stream.pause();
      stream.off("data", onData);
      stream.off("close", onClose);
      const rest = received.subarray(end + 4);
      if (rest.length > 0) stream.unshift(rest);
      resolve(received.toString("latin1", 0, end));
    };
    const onClose = (): void =>
      reject(new Error(`The handshake ended after: ${received.toString("latin1")}`));
    stream.on("data", onData);
    stream.once("close", onClose);
  });
}

function field(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*?) *$`, "im").exec(head)?.[1];
}
