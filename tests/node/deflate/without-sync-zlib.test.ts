import { expect, test, vi } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { frameTo, utf8 } from "../../protocol/masked-frame.ts";
import { failure, roles } from "../../protocol/open-connection.ts";
import { DeflatingConnection, fresh, kept } from "./deflating-connection.ts";

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
