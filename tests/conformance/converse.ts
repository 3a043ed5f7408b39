import { createHash } from "node:crypto";
import { expect } from "vitest";
import type { Role } from "../../src/protocol/index.ts";
import { joinBytes, utf8, type FrameOptions } from "../rigs/protocol/masked-frame.ts";
import type { WireFrame } from "../rigs/protocol/read-frames.ts";
import type { Carrier, Closed, Message, Opened } from "./carriers/carrier.ts";
import {
  answers,
  sends,
  wasClosed,
  type Chunks,
  type ConformanceCase,
  type DeflateAgreement,
  type DeflatedMessage,
  type Ending,
  type FramePiece,
  type Part,
  type Step,
} from "./conformance-case.ts";
import { close, wireBytes } from "./frames.ts";
import { ReferenceDeflater, ReferenceInflater } from "./reference-deflate.ts";

const RSV1 = 0x40;
/** Payloads up to this size are compared octet by octet, longer ones by digest. */
const SHOWN_BYTES = 256;
const FULL_WINDOW = { bits: 15, takeover: false };
const normalClosure = [sends(close(1000)), answers(close(1000))];

/** Runs a case against Longwire's end in `role`, and checks everything observable. */
export async function converse(role: Role, carrier: Carrier, one: ConformanceCase): Promise<void> {
  const { deflate, settings = {} } = one;
  const { compression, offer, answer } = deflate ?? { answer: undefined };
  const opened = await carrier.open({
    settings: compression === undefined ? settings : { ...settings, compression },
    extensions: role === "server" ? offer : answer,
  });
  if (deflate !== undefined) expect(opened.extensions).toBe(role === "server" ? answer : offer);
  const conversation = new Conversation(role, opened, deflate);
  for (const step of one.steps) await conversation.take(step);
  if (one.ending === undefined) for (const step of normalClosure) await conversation.take(step);
  await conversation.end(one.ending ?? wasClosed(1000));
  const expected = one.messages?.map(shown) ?? one.steps.flatMap(echoed);
  expect(opened.application.messages.map(shown)).toEqual(expected);
}

class Conversation {
  readonly #role: Role;
  readonly #opened: Opened;
  readonly #deflater: ReferenceDeflater;
  readonly #inflater: ReferenceInflater;
  readonly #keys: string[] = [];
  #hasEnded = false;

  constructor(role: Role, opened: Opened, deflate: DeflateAgreement | undefined) {
    const peer = role === "server" ? "client" : "server";
    this.#role = role;
    this.#opened = opened;
    this.#deflater = new ReferenceDeflater(deflate?.windows?.[peer] ?? FULL_WINDOW);
    this.#inflater = new ReferenceInflater(deflate?.windows?.[role] ?? FULL_WINDOW);
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "sends":
        return this.#send(step.parts, step.chunks);
      case "answers":
        return this.#expect(step.parts);
      case "is silent":
        return this.#expectSilence();
      case "ends":
        return this.#endPipe();
      case "application sends":
        return this.#opened.application.send(step.message);
      case "application closes":
        return this.#opened.application.close(step.code, step.reason);
    }
  }

  async end(ending: Ending): Promise<void> {
    const { pipe, application } = this.#opened;
    await this.#endTransport(ending);
    expect(await pipe.frames(1)).toEqual([]);
    expect(pipe.leftBytes).toBe(0);
    expect(await application.closed).toMatchObject(closedBy(ending));
    if (this.#keys.length > 1) expect(new Set(this.#keys).size).toBeGreaterThan(1);
  }

  async #endTransport(ending: Ending): Promise<void> {
    switch (ending.kind) {
      case "was closed":
        return this.#role === "server" ? this.#oursEndsFirst() : this.#oursEndsLast();
      case "fails":
        if (ending.closeCode !== undefined) await this.#expect([close(ending.closeCode)]);
        return this.#oursEndsFirst();
      case "is lost":
        return this.#lose(ending.how);
      case "is cut off":
        return this.#outwait();
    }
  }

  async #send(parts: readonly Part[], chunks: Chunks): Promise<void> {
    const { pipe } = this.#opened;
    const written = parts.map((part) => this.#bytesOf(part));
    if (chunks === "parts") {
      for (const part of written) await inTurn(() => pipe.write(part));
      return;
    }
    const bytes = joinBytes(written);
    if (chunks === "whole") return pipe.write(bytes);
    const size = chunks === "octets" ? 1 : chunks;
    for (let at = 0; at < bytes.length; at += size) {
      await inTurn(() => pipe.write(bytes.subarray(at, at + size)));
    }
  }

  #bytesOf(part: Part): Uint8Array {
    if (part instanceof Uint8Array) return part;
    if ("pieceOf" in part) return this.#pieceOf(part);
    if (!("deflated" in part)) return wireBytes(this.#role, part);
    const { deflated, fragmentBytes } = part;
    const payload = this.#deflater.deflate(octetsOf(deflated));
    return joinBytes(
      fragments(payload, fragmentBytes ?? payload.length).map((piece, index, { length }) =>
        wireBytes(this.#role, {
          opcode: index > 0 ? 0 : typeof deflated === "string" ? 1 : 2,
          fin: index === length - 1,
          reservedBits: index === 0 ? RSV1 : 0,
          payload: piece,
        }),
      ),
    );
  }

  #pieceOf({ pieceOf, from, to }: FramePiece): Uint8Array {
    const whole = wireBytes(this.#role, pieceOf);
    const payloadAt = whole.length - (pieceOf.payload?.length ?? 0);
    return whole.subarray(from === 0 ? 0 : payloadAt + from, payloadAt + to);
  }

  async #expect(parts: readonly (FrameOptions | DeflatedMessage)[]): Promise<void> {
    const frames = await this.#opened.pipe.frames(parts.length);
    for (const { key } of frames) if (key !== undefined) this.#keys.push(key.join());
    const seen = frames.map((frame, index) => this.#seen(frame, parts[index]!));
    expect(seen).toEqual(parts.map((part) => wanted(part, this.#role)));
  }

  #seen(frame: WireFrame, part: FrameOptions | DeflatedMessage): object {
    const { fin, reservedBits, opcode, payload, key, headerBytes } = frame;
    const common = { fin, reservedBits, opcode, masked: key !== undefined };
    if ("deflated" in part && reservedBits === RSV1) {
      return { ...common, inflated: digestOf(this.#inflater.inflate(payload)) };
    }
    return { ...common, headerBytes, payload: digestOf(payload) };
  }

  async #expectSilence(): Promise<void> {
    const { pipe } = this.#opened;
    for (let turns = 0; turns < 4; turns += 1) await inTurn(() => {});
    expect(pipe.leftBytes).toBe(0);
    expect(pipe.hasEnded).toBe(false);
  }

  /**
   * Longwire's end must end its half cleanly itself, because a reset could lose its Close frame.
   */
  async #oursEndsFirst(): Promise<void> {
    const { pipe } = this.#opened;
    await pipe.ended();
    expect(pipe.error).toBeUndefined();
    expect(pipe.hasEnded).toBe(true);
    this.#endPipe();
    await pipe.closed();
    expect(pipe.error).toBeUndefined();
  }

  /** A client waits for the server to end the transport. (RFC 6455 §7.1.1) */
  async #oursEndsLast(): Promise<void> {
    const { pipe } = this.#opened;
    if (!this.#hasEnded) await this.#expectSilence();
    this.#endPipe();
    await pipe.closed();
    expect(pipe.error).toBeUndefined();
    expect(pipe.hasEnded).toBe(true);
  }

  async #lose(how: "ended" | "reset"): Promise<void> {
    const { pipe } = this.#opened;
    if (how === "reset") pipe.reset();
    else this.#endPipe();
    await pipe.closed();
  }

  async #outwait(): Promise<void> {
    await this.#opened.application.closed;
    this.#endPipe();
    await this.#opened.pipe.closed();
  }

  #endPipe(): void {
    if (!this.#hasEnded) this.#opened.pipe.end();
    this.#hasEnded = true;
  }
}

/** Returns the messages that the replies of Longwire's end echo. */
function echoed(step: Step): string[] {
  if (step.kind !== "answers") return [];
  return step.parts.flatMap((part) => {
    if ("deflated" in part) return [shown(part.deflated)];
    const payload = part.payload ?? new Uint8Array(0);
    if (part.opcode === 1) return [`text ${digestOf(payload)}`];
    return part.opcode === 2 ? [shown(payload)] : [];
  });
}

function wanted(part: FrameOptions | DeflatedMessage, role: Role): object {
  const masked = role === "client";
  if ("deflated" in part) {
    const opcode = typeof part.deflated === "string" ? 1 : 2;
    const inflated = digestOf(octetsOf(part.deflated));
    return { fin: true, reservedBits: RSV1, opcode, masked, inflated };
  }
  const { fin = true, reservedBits = 0, opcode, payload = new Uint8Array(0) } = part;
  // Lengths must be written in the shortest form. (RFC 6455 §5.2)
  const lengthBytes = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8;
  const headerBytes = 2 + lengthBytes + (masked ? 4 : 0);
  return { fin, reservedBits, opcode, masked, headerBytes, payload: digestOf(payload) };
}

function closedBy(ending: Ending): Partial<Closed> {
  switch (ending.kind) {
    case "was closed":
      return { code: ending.code, reason: ending.reason, wasClean: true, error: undefined };
    case "fails":
      return { code: 1006, reason: "", wasClean: false, error: ending.error };
    case "is lost":
      return { code: 1006, reason: "", wasClean: false };
    case "is cut off":
      return { code: ending.code, wasClean: ending.wasClean };
  }
}

function fragments(payload: Uint8Array, size: number): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += size) pieces.push(payload.subarray(at, at + size));
  return pieces;
}

function octetsOf(message: Message): Uint8Array {
  return typeof message === "string" ? utf8(message) : message;
}

function shown(message: Message): string {
  return typeof message === "string"
    ? `text ${digestOf(utf8(message))}`
    : `binary ${digestOf(message)}`;
}

/** The payloads of the cases are the same in every run. */
const digests = new WeakMap<Uint8Array, string>();

function digestOf(bytes: Uint8Array): string {
  let digest = digests.get(bytes);
  if (digest === undefined) {
    digest =
      bytes.length <= SHOWN_BYTES
        ? Buffer.from(bytes).toString("hex")
        : `${bytes.length} bytes, ${createHash("sha1").update(bytes).digest("hex")}`;
    digests.set(bytes, digest);
  }
  return digest;
}

/** Acts, then waits for a turn of the event loop, so that two writes are rarely read as one. */
function inTurn(act: () => void): Promise<void> {
  act();
  return new Promise((resolve) => setImmediate(resolve));
}
