import type { Socket } from "node:net";
import { TOKEN, write, type Abuser } from "./abuser.ts";

export const CONTINUATION = 0;
export const TEXT = 1;
export const PING = 9;

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
/** An answer's id is near its start. */
const LOOKED_AT_BYTES = 300;

/** How a connection is opened. */
export interface Opening {
  /** With its query. Default `/live`. */
  path?: string;
  /** Default `longwire.v1`; an empty one is Level 0. */
  subprotocol?: string;
  /** Whether permessage-deflate is offered. */
  compresses?: boolean;
  /** Whether the abuser's token is shown, where one is asked for. Default true. */
  showsToken?: boolean;
  /** Whether what comes is read. Default true. */
  reads?: boolean;
}

/** A client of the abuser, which writes what it likes. */
export class WebSocketClient {
  readonly socket: Socket;
  readonly #waiting = new Map<number, (type: string) => void>();
  #header = Buffer.alloc(0);
  #payload = Buffer.alloc(0);
  /** The number of bytes that are missing of the frame being read. */
  #missing = 0;
  #nextId = 1;
  #onFirstMessage = (): void => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.once("close", () => {
      for (const settle of this.#waiting.values()) settle("none");
    });
  }

  /**
   * Opens a connection and does the handshake; rejects if it is refused. Where a token is asked for,
   * it is open when the token is accepted: before, a message may have 16 KiB, and one that is
   * longer would be refused for that and not for what the row is about.
   */
  static async open(abuser: Abuser, opening: Opening = {}): Promise<WebSocketClient> {
    const socket = await abuser.connect();
    socket.write(upgradeRequest(abuser, opening));
    const rest = await bytesBehindHead(socket);
    const client = new WebSocketClient(socket);
    if (opening.reads === false) return client;
    const { subprotocol, showsToken } = opening;
    const isAsked = abuser.target.asksForToken && showsToken !== false;
    const welcomed = isAsked && subprotocol !== "" ? client.#welcomed() : undefined;
    client.#read(rest);
    socket.on("data", (chunk) => client.#read(chunk));
    // It was paused, and a listener alone does not change that.
    socket.resume();
    await welcomed;
    return client;
  }

  /** Sends a text message. */
  send(text: string): Promise<void> {
    return write(this.socket, frame(TEXT, Buffer.from(text)));
  }

  /**
   * Sends a Level 1 request and waits for its answer. Rejects once the connection is closed.
   *
   * @returns the answer's type
   */
  async ask(request: object): Promise<string> {
    const id = this.#nextId++;
    const answered = new Promise<string>((resolve) => this.#waiting.set(id, resolve));
    await this.send(JSON.stringify({ id, ...request }));
    const type = await answered;
    this.#waiting.delete(id);
    if (this.socket.destroyed) throw new Error("closed");
    return type;
  }

  /** Sends requests together and waits for all of their answers, of which it returns the types. */
  async askAll(requests: readonly object[]): Promise<string[]> {
    const asked = await Promise.allSettled(requests.map((request) => this.ask(request)));
    return asked.map((answer) => {
      if (answer.status === "rejected") throw new Error("closed");
      return answer.value;
    });
  }

  #welcomed(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onFirstMessage = resolve;
      this.socket.once("close", () => reject(new Error("closed")));
    });
  }

  #read(chunk: Buffer): void {
    let bytes = chunk;
    while (bytes.length > 0) {
      if (this.#missing === 0) {
        this.#header = Buffer.concat([this.#header, bytes]);
        const header = headerOf(this.#header);
        if (header === undefined) return;
        bytes = this.#header.subarray(header.length);
        this.#header = Buffer.alloc(0);
        this.#payload = Buffer.alloc(0);
        this.#missing = header.payload;
        if (this.#missing === 0) continue;
      }
      const part = bytes.subarray(0, this.#missing);
      const room = LOOKED_AT_BYTES - this.#payload.length;
      if (room > 0) this.#payload = Buffer.concat([this.#payload, part.subarray(0, room)]);
      this.#missing -= part.length;
      bytes = bytes.subarray(part.length);
      if (this.#missing === 0) this.#onMessage(this.#payload.toString("latin1"));
    }
  }

  #onMessage(start: string): void {
    this.#onFirstMessage();
    const id = /"id":(\d+)/.exec(start)?.[1];
    const type = /"type":"(\w+)"/.exec(start)?.[1] ?? "none";
    if (id !== undefined) this.#waiting.get(Number(id))?.(type);
  }
}

/** A client's frame; masked with zeros, so that its payload goes as it is. */
export function frame(
  opcode: number,
  payload: Uint8Array,
  { isFinal = true, isCompressed = false, announced = payload.length } = {},
): Buffer {
  const first = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode;
  const mask = [0, 0, 0, 0];
  if (announced < 126) return Buffer.from([first, 0x80 | announced, ...mask, ...payload]);
  const header = Buffer.alloc(14);
  header[0] = first;
  if (announced < 65_536) {
    header[1] = 0x80 | 126;
    header.writeUInt16BE(announced, 2);
    return Buffer.concat([header.subarray(0, 8), payload]);
  }
  header[1] = 0x80 | 127;
  header.writeBigUInt64BE(BigInt(announced), 2);
  return Buffer.concat([header, payload]);
}

function upgradeRequest(abuser: Abuser, opening: Opening): string {
  const { path = "/live", subprotocol = "longwire.v1", showsToken = true } = opening;
  const { host, port, asksForToken } = abuser.target;
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    `Sec-WebSocket-Key: ${KEY}`,
    "Sec-WebSocket-Version: 13",
    ...(subprotocol === "" ? [] : [`Sec-WebSocket-Protocol: ${subprotocol}`]),
    ...(opening.compresses === true ? ["Sec-WebSocket-Extensions: permessage-deflate"] : []),
    ...(asksForToken && showsToken ? [`Authorization: Bearer ${TOKEN}`] : []),
    "\r\n",
  ].join("\r\n");
}

function bytesBehindHead(socket: Socket): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const onClose = (): void => reject(new Error("closed"));
    const onData = (chunk: Buffer | string): void => {
      received = Buffer.concat([received, chunk as Buffer]);
      const end = received.indexOf("\r\n\r\n");
      if (end < 0) return;
      socket.pause();
      socket.off("data", onData);
      socket.off("close", onClose);
      if (received.toString("latin1", 0, 13) === "HTTP/1.1 101 ") {
        return resolve(received.subarray(end + 4));
      }
      socket.destroy();
      reject(new Error("refused"));
    };
    socket.on("data", onData);
    socket.once("close", onClose);
  });
}

function headerOf(bytes: Buffer): { length: number; payload: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes[1]! & 0x7f;
  if (short < 126) return { length: 2, payload: short };
  if (short === 126) {
    return bytes.length < 4 ? undefined : { length: 4, payload: bytes.readUInt16BE(2) };
  }
  return bytes.length < 10 ? undefined : { length: 10, payload: Number(bytes.readBigUInt64BE(2)) };
}
