import { expect, test, vi } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { maskedFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import { runServer, Witness } from "../../rigs/sockets/run-server.ts";

// Sending a text of 512 MiB takes too long, so here a string holds ten bytes.
vi.mock(import("../../../src/node/internals/decode-text.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    decodeText: (source: Uint8Array, start: number, end: number, ascii: boolean) => {
      // A handshake starts at 0.
      if (start > 0 && end - start > 10)
        throw new RangeError("Cannot create a string longer than that.");
      return original.decodeText(source, start, end, ascii);
    },
  };
});

test("text that no string can hold fails its connection with 1009, and nothing else", async () => {
  const witness = new Witness();
  const { port } = await runServer(witness);
  const client = await RawClient.upgrade(port);
  const text = (content: string): Uint8Array =>
    maskedFrame({ opcode: Opcode.Text, payload: utf8(content) });
  client.write(Buffer.concat([text("short"), text("longer than ten"), text("behind")]));
  const [close] = await client.framesWhen(1);
  expect([...close!.payload]).toEqual([0x03, 0xf1]);
  expect(witness.messages).toEqual(["short"]);
  client.socket.end();
  expect((await witness.closed()).error).toMatchObject({ code: "message_too_big", size: 15 });
  const next = await RawClient.upgrade(port);
  next.write(text("well"));
  await witness.until(() => witness.messages.length === 2);
});
