import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { CLOSE, frame, PING, PONG, TEXT } from "./frames.mjs";
import { FrameReader, inflated } from "./frame-reader.mjs";
import { FrameSkipper } from "./frame-skipper.mjs";
import { ACCEPT, KEY } from "./handshake-key.mjs";

const PONG_FRAME = frame(PONG, Buffer.alloc(0));
const HEAD_END = Buffer.from("\r\n\r\n");

/** All plain connections read into this one: what is in it is looked at and left. */
const readBuffer = Buffer.allocUnsafeSlow(1 << 18);

/**
 * @typedef {object} Target
 * @property {number} port
 * @property {string} [path]
 * @property {string} [protocol] a subprotocol
 * @property {boolean} [compression] whether permessage-deflate is offered, and must be agreed to
 * @property {boolean} [tls]
 */

/** A client's connection that does no more than the load needs. */
export class LoadConnection {
  socket;
  #opened;
  #onData;
  #skipper = new FrameSkipper((opcode) => this.#control(opcode));
  #reader = new FrameReader();
  #unread = [];
  #awaiting;
  #onFailed;
  #isOver = false;

  /**
   * @param {Target} target
   * @param {number} index picks the source address, as one has too few ports for all
   * @param {(error: Error) => void} onFailed the connection ended, which no workload expects
   */
  constructor(target, index, onFailed) {
    this.#onFailed = onFailed;
    this.#onData = this.#handshake(target);
    this.socket = open(target, `127.0.0.${2 + (index % 8)}`, (bytes, end) =>
      this.#onData(bytes, end),
    );
    this.socket.setNoDelay(true);
    this.socket.on("error", (error) => this.#fail(error.message));
    this.socket.on("close", () => this.#fail("it was closed"));
  }

  /** How many of the counted messages were compressed. */
  get compressed() {
    return this.#skipper.compressed;
  }

  /** @returns {Promise<this>} */
  opened() {
    return new Promise((resolve, reject) => {
      this.#opened = { resolve, reject };
    });
  }

  /** @returns {Promise<{ opcode: number, isCompressed: boolean, payload: Buffer }>} the next frame */
  next() {
    const ready = this.#unread.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    return new Promise((resolve, reject) => {
      this.#awaiting = { resolve, reject };
    });
  }

  /** From now on messages are only counted, and `onCount` is told. */
  count(onCount) {
    const skipper = this.#skipper;
    this.#onData = (bytes, end) => {
      const messages = skipper.skip(bytes, end);
      if (messages > 0) onCount(messages);
    };
  }

  /** From now on messages are read again, by `next`. */
  collect() {
    this.#onData = (bytes, end) => this.#collect(bytes.subarray(0, end));
  }

  sendText(text) {
    this.socket.write(frame(TEXT, Buffer.from(text)));
  }

  /** @returns {Promise<string>} the next message */
  async nextText() {
    const { payload, isCompressed } = await this.next();
    return (isCompressed ? inflated(payload) : payload).toString();
  }

  /** Cuts it, so that the system keeps nothing of it. */
  cut() {
    this.#isOver = true;
    if (this.socket.encrypted) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  #handshake({ path = "/", port, protocol, compression }) {
    let head = Buffer.alloc(0);
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      `Sec-WebSocket-Key: ${KEY}`,
      "Sec-WebSocket-Version: 13",
    ];
    if (protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
    if (compression) {
      lines.push("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits");
    }
    queueMicrotask(() => this.socket.write(`${lines.join("\r\n")}\r\n\r\n`));
    return (bytes, end) => {
      head = Buffer.concat([head, bytes.subarray(0, end)]);
      const at = head.indexOf(HEAD_END);
      if (at < 0) return;
      const answer = head.toString("latin1", 0, at).toLowerCase();
      const rest = Buffer.from(head.subarray(at + 4));
      const wrong = refusal(answer, compression);
      if (wrong !== undefined) return this.#fail(wrong);
      this.collect();
      if (rest.length > 0) this.#collect(rest);
      this.#opened?.resolve(this);
    };
  }

  #collect(bytes) {
    for (const found of this.#reader.read(bytes)) {
      if (found.opcode === PING) this.#control(PING);
      else if (found.opcode === CLOSE) this.#fail(closeText(found.payload));
      else if (found.opcode < CLOSE) this.#hand(found);
    }
  }

  #hand(found) {
    const awaiting = this.#awaiting;
    if (awaiting === undefined) return this.#unread.push(found);
    this.#awaiting = undefined;
    awaiting.resolve(found);
  }

  #control(opcode) {
    if (opcode === PING) this.socket.write(PONG_FRAME);
    else this.#fail("the server closed it");
  }

  #fail(why) {
    if (this.#isOver) return;
    this.#isOver = true;
    const error = new Error(`a connection ended: ${why}`);
    this.socket?.destroy();
    this.#opened?.reject(error);
    this.#awaiting?.reject(error);
    this.#onFailed(error);
  }
}

function open({ port, tls }, localAddress, onBytes) {
  const where = { host: "127.0.0.1", port, localAddress };
  if (tls) {
    // The same for every contender, whatever its TLS library prefers.
    const ciphers = { minVersion: "TLSv1.3", ciphers: "TLS_AES_128_GCM_SHA256" };
    const socket = connectTls({ ...where, ...ciphers, rejectUnauthorized: false });
    return socket.on("data", (data) => onBytes(data, data.length));
  }
  const callback = (end, bytes) => {
    onBytes(bytes, end);
    return true;
  };
  return connect({ ...where, onread: { buffer: readBuffer, callback } });
}

function refusal(answer, compression) {
  if (!answer.startsWith("http/1.1 101")) return `the handshake got ${answer.split("\r\n")[0]}`;
  if (!answer.includes(ACCEPT.toLowerCase())) return "the handshake's accept is wrong";
  const agreed = answer.includes("permessage-deflate");
  if (compression && !agreed) return "permessage-deflate was not agreed to";
  return !compression && agreed ? "permessage-deflate was agreed to without an offer" : undefined;
}

function closeText(payload) {
  const code = payload.length >= 2 ? payload.readUInt16BE(0) : "no code";
  return `the server closed it with ${code} ${payload.toString("utf8", 2)}`;
}
