import { inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readFrames } from "../../rigs/protocol/read-frames.ts";
import { PerMessageDeflate, Sender } from "../../rigs/ws/implementation.ts";
import { openPair, text, told, until } from "../../rigs/ws/rig.ts";

type Written = Buffer | string;

/** Records what a sender writes, in place of a stream. */
class Sink {
  readonly writes: Written[] = [];
  readonly corks: string[] = [];
  destroyed = false;

  cork(): void {
    this.corks.push("cork");
  }

  uncork(): void {
    this.corks.push("uncork");
  }

  write(chunk: Written, callback?: () => void): boolean {
    this.writes.push(chunk);
    if (callback) process.nextTick(callback);
    return true;
  }

  /** Each write in hexadecimal, or as text. */
  get shown(): string[] {
    return this.writes.map((one) => (typeof one === "string" ? one : one.toString("hex")));
  }
}

function senderOver(sink: Sink, extensions?: object): InstanceType<typeof Sender> {
  return new Sender(sink, extensions);
}

/** A compressing sender, without a context unless `takeover`. */
function compressing(
  threshold: number | undefined,
  { takeover = false } = {},
): { sink: Sink; sender: InstanceType<typeof Sender> } {
  const deflate = new PerMessageDeflate(threshold === undefined ? {} : { threshold });
  deflate.accept([takeover ? {} : { client_no_context_takeover: [true] }]);
  const sink = new Sink();
  return { sink, sender: senderOver(sink, { "permessage-deflate": deflate }) };
}

const whole = { binary: false, compress: true, fin: true, mask: false };

describe("Sender.frame()", () => {
  const frame = { fin: true, opcode: 2, rsv1: false, mask: false, readOnly: false };

  test("returns a header and the unchanged payload, or a header alone", () => {
    const payload = Buffer.from("abc");
    const parts = Sender.frame(payload, frame);
    expect(parts.map((part) => Buffer.from(part).toString("hex"))).toEqual(["8203", "616263"]);
    expect(parts[1]).toBe(payload);
    expect(Sender.frame(Buffer.alloc(0), frame)).toEqual([Buffer.from([0x82, 0])]);
  });

  test.each([
    [125, "827d"],
    [126, "827e007e"],
    [65_535, "827effff"],
    [65_536, "827f0000000000010000"],
  ])("writes a length of %i in the shortest form", (size, header) => {
    const [first] = Sender.frame(Buffer.alloc(size), frame);
    expect(first!.toString("hex")).toBe(header);
  });

  test("sets RSV1, FIN and the opcode from the options", () => {
    expect(Sender.frame(Buffer.alloc(0), { ...frame, rsv1: true })[0]![0]).toBe(0xc2);
    expect(Sender.frame(Buffer.alloc(0), { ...frame, fin: false, opcode: 1 })[0]![0]).toBe(0x01);
  });

  test("accepts text", () => {
    const parts = Sender.frame("€", { ...frame, opcode: 1 });
    expect(Buffer.concat(parts).toString("hex")).toBe("8103e282ac");
  });

  test("masks in place, or masks a copy of read-only data", () => {
    const generateMask = (mask: Buffer): void => mask.set([1, 2, 3, 4]);
    const bytes = Buffer.from([0, 0, 0, 0, 0]);
    const copy = Sender.frame(bytes, { ...frame, mask: true, readOnly: true, generateMask });
    expect(bytes).toEqual(Buffer.alloc(5));
    expect(Buffer.concat(copy).toString("hex")).toBe("8285010203040102030401");
    expect(copy).toHaveLength(1);
    const own = Sender.frame(bytes, { ...frame, mask: true, generateMask });
    expect(Buffer.concat(own).toString("hex")).toBe("8285010203040102030401");
    expect(bytes.toString("hex")).toBe("0102030401");
  });

  test("leaves the payload unchanged if the masking key is 0", () => {
    const bytes = Buffer.from("abc");
    const options = { ...frame, mask: true, readOnly: true };
    const parts = Sender.frame(bytes, { ...options, generateMask: (mask) => mask.fill(0) });
    expect(parts[1]).toBe(bytes);
  });

  test("masks with random bytes, different each time", () => {
    const keys = Array.from({ length: 4 }, () => {
      const [first] = Sender.frame(Buffer.alloc(1), { ...frame, mask: true, readOnly: true });
      return first!.subarray(2, 6).toString("hex");
    });
    expect(new Set(keys).size).toBeGreaterThan(1);
  });
});

describe("sendFrame()", () => {
  test("writes one part, or two in one call", async () => {
    const sink = new Sink();
    const sender = senderOver(sink);
    await told((done) => sender.sendFrame([Buffer.from("a")], done));
    expect(sink.corks).toEqual([]);
    await told((done) => sender.sendFrame([Buffer.from("b"), Buffer.from("c")], done));
    expect(sink.shown).toEqual(["61", "62", "63"]);
    expect(sink.corks).toEqual(["cork", "uncork"]);
  });

  test("of a socket sends frames that were created once to many", async () => {
    const [first, second] = [await openPair(), await openPair()];
    const list = Sender.frame(Buffer.from("shared"), {
      readOnly: false,
      mask: false,
      rsv1: false,
      opcode: 1,
      fin: true,
    });
    const before = Buffer.concat(list);
    for (const { client, peer } of [first, second, first]) {
      const heard = text(client);
      const written = told((done) => peer._sender!.sendFrame(list, done));
      expect(await heard).toBe("shared");
      expect(await written).toBe("written");
    }
    expect(Buffer.concat(list)).toEqual(before);
  });
});

describe("send()", () => {
  test("compresses messages of any kind in order", async () => {
    const { sink, sender } = compressing(0);
    const bytes = new Uint8Array([0x68, 0x69]);
    for (const data of [bytes.buffer, bytes, "hi"]) sender.send(data, whole);
    await until(() => sink.writes.length === 6);
    const headers = sink.shown.filter((_, index) => index % 2 === 0);
    for (const header of headers) expect(header).toMatch(/^c1..$/);
  });

  test("does not compress below the threshold, and does not encode its text", async () => {
    const { sink, sender } = compressing(undefined);
    sender.send("hi", whole);
    expect(sink.shown).toEqual(["8102", "hi"]);
  });

  test.each([
    [3, ["123", "12"], true],
    [3, ["12", "123"], false],
    [0, ["", "data"], true],
    [0, ["data", ""], true],
  ])("with the threshold %i decides by the first fragment: %j", async (threshold, data, marked) => {
    const { sink, sender } = compressing(threshold);
    const [first, second] = data.map((text) => Buffer.from(text)) as [Buffer, Buffer];
    sender.send(first, { ...whole, fin: false });
    await told((done) => sender.send(second, whole, done));
    const wire = Buffer.concat(sink.writes.map((one) => Buffer.from(one)));
    const frames = readFrames(new Uint8Array(wire));
    expect(frames).toMatchObject([
      { opcode: 1, fin: false, reservedBits: marked ? 0x40 : 0 },
      { opcode: 0, fin: true, reservedBits: 0 },
    ]);
    const sent = Buffer.concat(frames.map(({ payload }) => payload));
    const tail = Buffer.from("0000ffff", "hex");
    const seen = marked ? inflateRawSync(Buffer.concat([sent, tail]), { finishFlush: 2 }) : sent;
    expect(String(seen)).toBe(data.join(""));
  });

  test("with a context compresses everything, however short", async () => {
    const { sink, sender } = compressing(1024, { takeover: true });
    sender.send("hi", whole);
    await until(() => sink.writes.length === 2);
    expect(sink.shown[0]).toMatch(/^c1/);
  });

  test("counts waiting bytes", async () => {
    const { sender, sink } = compressing(0);
    const bytes = sender as unknown as { _bufferedBytes: number };
    sender.send("foo", whole);
    sender.send("bar", whole);
    expect(bytes._bufferedBytes).toBe(6);
    await until(() => sink.writes.length === 4);
    expect(bytes._bufferedBytes).toBe(0);
  });
});

describe.each([
  ["ping", "89"],
  ["pong", "8a"],
] as const)("%s()", (name, first) => {
  test("waits for messages that are being compressed", async () => {
    const { sink, sender } = compressing(0);
    sender.send("foo", whole);
    sender[name]("hi", false);
    expect(sink.writes).toEqual([]);
    await until(() => sink.writes.length === 4);
    expect(sink.shown.slice(2)).toEqual([`${first}02`, "hi"]);
  });

  test("accepts bytes of any kind", async () => {
    const sink = new Sink();
    const sender = senderOver(sink);
    const bytes = new Uint8Array([0x68, 0x69]);
    sender[name](bytes, false);
    sender[name](bytes.buffer, false);
    sender[name](new Blob(["hi"]), false);
    sender[name](new Blob(["hi"]), false);
    await until(() => sink.writes.length === 8);
    const frame = [`${first}02`, "6869"];
    expect(sink.shown).toEqual([...frame, ...frame, ...frame, ...frame]);
  });
});

describe("close()", () => {
  test.each(["error", 1004])("rejects the code %s", (code) => {
    const refusal = new TypeError("First argument must be a valid error code number");
    expect(() => senderOver(new Sink()).close(code as number, "")).toThrow(refusal);
  });

  test("rejects a reason of 124 bytes", () => {
    const refusal = new RangeError("The message must not be greater than 123 bytes");
    expect(() => senderOver(new Sink()).close(1000, "a".repeat(124))).toThrow(refusal);
  });

  test("follows everything that was sent before", async () => {
    const { sink, sender } = compressing(0);
    for (const data of ["foo", "bar", "baz"]) sender.send(data, whole);
    await told((done) => sender.close(1000, undefined, false, done));
    const bytes = Buffer.concat(sink.writes.map((one) => Buffer.from(one)));
    expect(sink.shown.filter((one) => one.startsWith("c1"))).toHaveLength(3);
    expect(bytes.subarray(-4).toString("hex")).toBe("880203e8");
  });
});
