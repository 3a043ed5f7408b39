import assert from "node:assert/strict";
import { frame, handshake } from "../raw-client.mjs";
import { echo } from "../stage.mjs";

const SIZES = [0, 1, 125, 126, 65_535, 65_536, 1 << 20, 5_000_000];

/** Bytes of which every shift shows. */
function pattern(size) {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at < size; at += 1) bytes[at] = (at * 31 + (at >>> 8)) & 0xff;
  return bytes;
}

function textOf(size) {
  return "abcdefghijklmnopqrstuvwxyz0123456789".repeat(Math.ceil(size / 36)).slice(0, size);
}

async function checkEchoes({ socket, messages }, all) {
  for (const message of all) {
    socket.send(message);
    const answer = await messages.next();
    const isSame =
      typeof message === "string" ? answer === message : Buffer.from(answer).equals(message);
    assert.ok(isSame, `a ${typeof message} message of ${message.length} comes back as it was`);
  }
}

export const messages = {
  "text and binary of every length class come back": async (stage) => {
    const { url } = await stage.serve(echo);
    const client = await stage.open(url, { compression: false });
    await checkEchoes(client, SIZES.map(textOf));
    await checkEchoes(client, SIZES.map(pattern));
  },

  "so do all of them, sent at once, in order": async (stage) => {
    const { url } = await stage.serve(echo);
    const { socket, messages } = await stage.open(url, { compression: false });
    for (const size of SIZES) socket.send(pattern(size));
    for (const size of SIZES) {
      assert.ok(Buffer.from(await messages.next()).equals(pattern(size)), `${size} bytes`);
    }
  },

  "a long message is whole wherever it is cut, and so are those around it": async (stage) => {
    const { port } = await stage.serve(echo);
    const client = await stage.rawOpen(port);
    const long = pattern(300_000);
    const bytes = Buffer.concat([frame(1, "first"), frame(2, long), frame(1, "last")]);
    for (const at of [3, 12, 20, 26, 4_000, 70_000, 299_999, 300_030]) {
      await client.write(bytes.subarray(0, at), bytes.subarray(at));
      assert.equal(await client.text(), "first", `cut at byte ${at}`);
      assert.ok((await client.received.next()).payload.equals(long), `cut at byte ${at}`);
      assert.equal(await client.text(), "last", `cut at byte ${at}`);
    }
  },

  "text beyond ASCII comes back": async (stage) => {
    const { url } = await stage.serve(echo);
    const client = await stage.open(url, { compression: false });
    const texts = ["é", "漢字", "😀", "\u0000", `${"a".repeat(31)}é`];
    await checkEchoes(client, [...texts, ...texts.map((text) => text.repeat(30_000))]);
  },

  "compressed messages come back, with and without context takeover": async (stage) => {
    const alone = { thresholdBytes: 1 };
    const taking = { ...alone, outgoingContextTakeover: true, incomingContextTakeover: true };
    for (const compression of [alone, taking]) {
      const { url } = await stage.serve(echo, { compression });
      const client = await stage.open(url, { compression });
      assert.match(client.socket.extensions, /permessage-deflate/);
      await checkEchoes(client, ["short", "short", textOf(1024), textOf(100_000)]);
      await checkEchoes(client, [pattern(1), pattern(1024), pattern(100_000)]);
      await checkEchoes(client, ["漢字".repeat(20_000), textOf(1024)]);
    }
  },

  "a fragmented message and those around it, cut at every byte, come whole": async (stage) => {
    const { port } = await stage.serve(echo);
    const client = await stage.rawOpen(port);
    const bytes = Buffer.concat([
      frame(1, "one"),
      frame(1, "frag", { isFinal: false }),
      frame(9, "ping"),
      frame(0, "mented ", { isFinal: false }),
      frame(0, "é"),
      frame(2, [1, 2, 3]),
    ]);
    const expected = [
      [1, "one"],
      [10, "ping"],
      [1, "fragmented é"],
      [2, "\u0001\u0002\u0003"],
    ];
    const checkAnswers = async (how) => {
      const frames = await client.received.take(expected.length);
      const seen = frames.map(({ opcode, payload }) => [opcode, payload.toString()]);
      assert.deepEqual(seen, expected, how);
    };
    for (let at = 1; at < bytes.length; at += 1) {
      await client.write(bytes.subarray(0, at), bytes.subarray(at));
      await checkAnswers(`cut at byte ${at}`);
    }
    await client.write(...Array.from(bytes, (byte) => Buffer.from([byte])));
    await checkAnswers("byte by byte");
  },

  "a head cut at every byte, or with frames behind it, is a handshake": async (stage) => {
    const { port } = await stage.serve(echo);
    const bytes = Buffer.concat([handshake(), frame(1, "early"), frame(1, "bird")]);
    const openCutAt = async (at) => {
      const client = stage.raw(port);
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
      await client.write(...pieces.filter(({ length }) => length > 0));
      assert.match(await client.received.next(), /^HTTP\/1\.1 101 /, `cut at byte ${at}`);
      assert.deepEqual([await client.text(), await client.text()], ["early", "bird"]);
      await client.write(frame(1, "and on"));
      assert.equal(await client.text(), "and on");
    };
    await Promise.all(Array.from(bytes, (_, at) => openCutAt(at)));
  },
};
