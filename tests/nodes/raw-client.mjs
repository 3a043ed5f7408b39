import { connect } from "node:net";
import { Arrivals, turns } from "./arrivals.mjs";

const HEADERS = {
  Host: "localhost",
  Upgrade: "websocket",
  Connection: "Upgrade",
  "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version": "13",
};

/** @param further header lines behind the others */
export function handshake(path = "/", further = "") {
  const lines = Object.entries(HEADERS).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join("")}${further}\r\n`, "latin1");
}

/** A frame of a client; its masking key is not 0, so that unmasking shows. */
export function frame(opcode, payload, { isFinal = true, isCompressed = false } = {}) {
  const bytes = Buffer.from(payload);
  const key = Buffer.from([0x1f, 0x2e, 0x3d, 0x4c]);
  const masked = bytes.map((byte, at) => byte ^ key[at % 4]);
  const first = (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0) | opcode;
  return Buffer.concat([headerOf(first, bytes.length), key, masked]);
}

function headerOf(first, length) {
  if (length < 126) return Buffer.from([first, 0x80 | length]);
  if (length < 65_536) return Buffer.from([first, 0x80 | 126, length >> 8, length & 0xff]);
  const long = Buffer.from([first, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
  long.writeUInt32BE(length, 6);
  return long;
}

/** A Close frame of a client with a code. */
export function closeFrame(code) {
  return frame(8, [code >> 8, code & 0xff]);
}

/** A TCP connection that writes any bytes, and reads a head and then frames. */
export class RawClient {
  /** The head of the answer first, then frames. */
  received = new Arrivals();
  /** Once the server has ended it, or reset it. */
  closed = new Arrivals();
  #chunks = [];
  #size = 0;
  #isHeadRead = false;

  constructor(port) {
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.connected = new Promise((resolve) => this.socket.once("connect", resolve));
    this.socket.on("data", (chunk) => this.#read(chunk));
    this.socket.on("error", () => {});
    this.socket.on("close", () => this.closed.push(true));
  }

  /** Writes the pieces in different turns, so that they come in different chunks. */
  async write(...pieces) {
    await this.connected;
    for (const piece of pieces) {
      this.socket.write(piece);
      await turns();
    }
  }

  async upgrade(path, further) {
    await this.write(handshake(path, further));
    const head = await this.received.next();
    if (!head.startsWith("HTTP/1.1 101 ")) throw new Error(`The server said: ${head}`);
  }

  /** The code of the Close frame that comes next. */
  async closeCode() {
    const { opcode, payload } = await this.received.next();
    return opcode === 8 ? payload.readUInt16BE(0) : `opcode ${opcode}`;
  }

  async text() {
    const { opcode, payload } = await this.received.next();
    return opcode === 1 ? payload.toString() : `opcode ${opcode}`;
  }

  #read(chunk) {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (this.#readOne()) continue;
  }

  #readOne() {
    // Joined only when there is enough, as joining each time would be quadratic.
    const length = this.#lengthOfNext();
    if (length === undefined || this.#size < length) return false;
    const all = this.#chunks[0].length < length ? Buffer.concat(this.#chunks) : this.#chunks[0];
    const behind = this.#chunks[0].length < length ? [] : this.#chunks.slice(1);
    this.#chunks = [all.subarray(length), ...behind];
    this.#size -= length;
    this.received.push(
      this.#isHeadRead ? frameOf(all.subarray(0, length)) : all.toString("latin1", 0, length),
    );
    this.#isHeadRead = true;
    return true;
  }

  #lengthOfNext() {
    if (!this.#isHeadRead || this.#chunks[0].length < 10)
      this.#chunks = [Buffer.concat(this.#chunks)];
    const [first] = this.#chunks;
    if (this.#isHeadRead) return frameLength(first);
    const end = first.indexOf("\r\n\r\n");
    return end === -1 ? undefined : end + 4;
  }
}

/** The length of an unmasked frame, including its header. */
function frameLength(bytes) {
  if (bytes.length < 2) return undefined;
  const short = bytes[1] & 0x7f;
  if (short < 126) return 2 + short;
  if (short === 126) return bytes.length < 4 ? undefined : 4 + bytes.readUInt16BE(2);
  return bytes.length < 10 ? undefined : 10 + Number(bytes.readBigUInt64BE(2));
}

function frameOf(bytes) {
  const short = bytes[1] & 0x7f;
  const headerBytes = short < 126 ? 2 : short === 126 ? 4 : 10;
  const isCompressed = (bytes[0] & 0x40) !== 0;
  return { opcode: bytes[0] & 0x0f, isCompressed, payload: bytes.subarray(headerBytes) };
}
