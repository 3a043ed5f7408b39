import { randomBytes } from "node:crypto";
import { expect, test, vi } from "vitest";
import { Compression } from "../../../src/node/index.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import { frameTo, utf8 } from "../../protocol/masked-frame.ts";
import { failure, roles } from "../../protocol/open-connection.ts";
import { readFrames } from "../../protocol/read-frames.ts";
import { DeflatingConnection, fresh, kept } from "./deflating-connection.ts";
import { referenceInflate } from "./reference-inflate.ts";

// A Node whose zlib streams have no handle that can be run synchronously.
vi.mock(import("../../../src/node/deflate/sync-zlib.ts"), async (importOriginal) => ({
  ...(await importOriginal()),
  canRunSynchronously: () => false,
}));

const TEXTS = ["one ".repeat(400), "two", "three ".repeat(100_000), "four ".repeat(400)];

for (const role of roles) {
  for (const [name, agreed] of Object.entries({ fresh, kept })) {
    test(`a ${role} with ${name} windows exchanges messages by Node's documented ways alone`, async () => {
      const sender = new DeflatingConnection(role, { agreed });
      const reader = new DeflatingConnection(role === "server" ? "client" : "server", { agreed });
      for (const text of TEXTS) sender.connection.sendText(text);
      for (const frame of await sender.sent(TEXTS.length)) {
        const { opcode, payload, reservedBits } = frame;
        const receiver = role === "server" ? "client" : "server";
        reader.connection.receive(frameTo(receiver, { opcode, payload, reservedBits }));
      }
      await reader.until(() => reader.seen.texts.length === TEXTS.length);
      expect(reader.seen.texts).toEqual(TEXTS);
    });
  }
}

test("and refuses what does not inflate", async () => {
  const open = new DeflatingConnection("server", { agreed: fresh });
  const payload = utf8("no DEFLATE data");
  open.connection.receive(
    frameTo("server", { opcode: Opcode.Binary, reservedBits: 0x40, payload }),
  );
  await open.event("finished");
  expect(open.seen.events).toEqual(failure("invalid_deflate", 1007));
});

test.each([8, 9, 15])("and makes frames for many, within a window of 2^%i", (bits) => {
  const agreed = { ...fresh, serverMaxWindowBits: bits };
  const frames = new Compression().codec("server", agreed).frames!;
  // It repeats itself at a distance that only the largest window spans.
  const text = randomBytes(5_000).toString("hex").repeat(3);
  for (let count = 0; count < 2; count += 1) {
    const [frame] = readFrames(frames.encodeText(text));
    expect(frame!.reservedBits).toBe(0x40);
    const { bytes, farthest } = referenceInflate(frame!.payload);
    expect(Buffer.from(bytes).toString()).toBe(text);
    expect(farthest).toBeLessThanOrEqual(2 ** bits);
    expect(farthest > 2 ** 9).toBe(bits === 15);
  }
});
