import { describe, expect, test } from "vitest";
import { maskedFrame, plainFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { Receiver } from "../../rigs/ws/implementation.ts";
import { next, nextUncaught, until } from "../../rigs/ws/rig.ts";
import { hex, receive, write } from "./receiver-rig.ts";

describe("a Receiver", () => {
  test("emits a text as bytes", async () => {
    const { receiver, seen } = receive();
    await write(receiver, hex("810548656c6c6f"));
    expect(seen).toEqual([["message", Buffer.from("Hello"), false]]);
  });

  test("emits an empty Close frame as 1005", async () => {
    const { receiver, seen } = receive();
    await write(receiver, hex("8800"));
    expect(seen[0]).toEqual(["conclude", 1005, Buffer.alloc(0)]);
  });

  test("emits a Close frame that arrived in two pieces", async () => {
    const { receiver, seen } = receive();
    await write(receiver, hex("8806"), hex("03e8444f4e45"));
    expect(seen[0]).toEqual(["conclude", 1000, Buffer.from("DONE")]);
  });

  test("ends itself after a Close frame, and ignores later data", async () => {
    const { receiver, seen } = receive();
    await write(receiver, hex("8800"), hex("810548656c6c6f"));
    await until(() => seen.length > 1);
    expect(seen.map(([event]) => event)).toEqual(["conclude", "finish"]);
  });

  test.each([2, 200, 300, 64 * 1024, 200 * 1024])(
    "of a server reads %i masked bytes, whole and in pieces",
    async (size) => {
      const text = "a".repeat(size);
      const frame = maskedFrame({ opcode: 1, payload: utf8(text) });
      const { receiver, seen } = receive({ isServer: true });
      await write(receiver, frame);
      await write(receiver, frame.subarray(0, 2), frame.subarray(2, 7), frame.subarray(7));
      expect(seen).toEqual([
        ["message", Buffer.from(text), false],
        ["message", Buffer.from(text), false],
      ]);
    },
  );

  test("of a client reads 200 KiB of unmasked data", async () => {
    const payload = new Uint8Array(200 * 1024).fill(7);
    const { receiver, seen } = receive();
    await write(receiver, plainFrame({ opcode: 2, payload }));
    expect(seen).toEqual([["message", Buffer.from(payload), true]]);
  });

  test("emits a ping between fragments before their message", async () => {
    const frames = [
      maskedFrame({ opcode: 1, fin: false, payload: utf8("a".repeat(150)) }),
      maskedFrame({ opcode: 9, payload: utf8("Hello") }),
      maskedFrame({ opcode: 0, payload: utf8("b".repeat(150)) }),
    ];
    const cut = frames.flatMap((frame) => [frame.subarray(0, 3), frame.subarray(3)]);
    for (const pieces of [frames, cut]) {
      const { receiver, seen } = receive({ isServer: true });
      await write(receiver, ...pieces);
      expect(seen).toEqual([
        ["ping", Buffer.from("Hello")],
        ["message", Buffer.from("a".repeat(150) + "b".repeat(150)), false],
      ]);
    }
  });

  test("emits empty control frames with an empty Buffer", async () => {
    const { receiver, seen } = receive();
    await write(receiver, hex("8900"), hex("8a00"));
    expect(seen).toEqual([
      ["ping", Buffer.alloc(0)],
      ["pong", Buffer.alloc(0)],
    ]);
  });

  test("emits the 20,000 messages in one piece", () => {
    const receiver = new Receiver();
    let count = 0;
    receiver.on("message", (data: Buffer) => {
      if (data.length === 0) count += 1;
    });
    receiver.write(Buffer.alloc(40_000, hex("8100")));
    expect(count).toBe(20_000);
  });

  test("counts only the bytes of the current message", async () => {
    const { receiver, seen } = receive({ maxPayload: 10 });
    const [he, llo] = [utf8("He"), utf8("llo")];
    await write(receiver, plainFrame({ opcode: 1, payload: utf8("12345678") }));
    await write(receiver, plainFrame({ opcode: 1, fin: false, payload: he }));
    await write(receiver, plainFrame({ opcode: 9, payload: utf8("0123456789") }));
    await write(receiver, plainFrame({ opcode: 0, payload: llo }));
    await write(receiver, plainFrame({ opcode: 1, payload: utf8("0123456789") }));
    expect(seen.map(([event, data]) => [event, String(data)])).toEqual([
      ["message", "12345678"],
      ["ping", "0123456789"],
      ["message", "Hello"],
      ["message", "0123456789"],
    ]);
  });

  test("a listener's exception is an uncaught exception", async () => {
    const receiver = new Receiver();
    let count = 0;
    const thrown = new Error("Oops");
    receiver.on("message", () => {
      count += 1;
      if (count === 2) throw thrown;
    });
    const uncaught = nextUncaught();
    setImmediate(() => receiver.write(hex("82008200")));
    expect(await uncaught).toBe(thrown);
  });

  test("has an error without a message for a limit that only its options set", async () => {
    const { receiver, seen } = receive();
    const frame = plainFrame({ opcode: 2, payload: new Uint8Array(300) });
    await write(receiver, ...Array.from(frame, (octet) => Uint8Array.of(octet)));
    expect(seen).toHaveLength(1);
  });
});

describe("the binaryType of a Receiver", () => {
  const sizes = [7321, 137, 285_787, 3];
  const parts = sizes.map((size, index) => Buffer.alloc(size, index + 1));
  const frames = parts.map((payload, index) =>
    plainFrame({ opcode: index === 0 ? 2 : 0, fin: index === 3, payload }),
  );

  test.each(["nodebuffer", "arraybuffer", "fragments", "blob"] as const)("%s", async (type) => {
    const { receiver, seen } = receive({ binaryType: type });
    await write(receiver, ...frames);
    const [, data, isBinary] = seen[0]!;
    expect(isBinary).toBe(true);
    const whole = Buffer.concat(parts);
    switch (type) {
      case "nodebuffer":
        expect(whole.equals(data as Buffer)).toBe(true);
        break;
      case "arraybuffer":
        expect(data).toBeInstanceOf(ArrayBuffer);
        expect(whole.equals(Buffer.from(data as ArrayBuffer))).toBe(true);
        break;
      case "fragments":
        expect((data as Buffer[]).map(({ length }) => length)).toEqual(sizes);
        expect(whole.equals(Buffer.concat(data as Buffer[]))).toBe(true);
        break;
      case "blob":
        expect(whole.equals(Buffer.from(await (data as Blob).arrayBuffer()))).toBe(true);
        break;
    }
  });

  test("fragments is empty for an empty message, and omits empty ones", async () => {
    const { receiver, seen } = receive({ binaryType: "fragments" });
    await write(receiver, plainFrame({ opcode: 2 }));
    await write(receiver, plainFrame({ opcode: 2, fin: false }));
    await write(receiver, plainFrame({ opcode: 0, fin: false, payload: utf8("a") }));
    await write(receiver, plainFrame({ opcode: 0 }));
    expect(seen.map(([, data]) => data)).toEqual([[], [Buffer.from("a")]]);
  });
});

test("with allowSynchronousEvents false, promises settle between events", async () => {
  const receiver = new Receiver({ allowSynchronousEvents: false });
  const order: string[] = [];
  for (const event of ["message", "ping", "pong"]) {
    receiver.on(event, (data: Buffer) => {
      order.push(String(data));
      void Promise.resolve().then(() => {
        order.push(`- ${String(data)}`);
        return Promise.resolve().then(() => order.push(`-- ${String(data)}`));
      });
    });
  }
  receiver.write(hex("8101318901328a0133820134"));
  await until(() => order.length === 12);
  expect(order).toEqual(["1", "2", "3", "4"].flatMap((data) => [data, `- ${data}`, `-- ${data}`]));
});

test("a write calls back when its frames have been emitted", async () => {
  const receiver = new Receiver({ allowSynchronousEvents: false });
  const order: string[] = [];
  receiver.on("message", (data: Buffer) => order.push(String(data)));
  const written = new Promise<void>((resolve) => {
    receiver.write(hex("810131810132"), () => {
      order.push("written");
      resolve();
    });
  });
  await written;
  expect(order).toEqual(["1", "2", "written"]);
  const finish = next(receiver, "finish");
  receiver.end();
  await finish;
});
