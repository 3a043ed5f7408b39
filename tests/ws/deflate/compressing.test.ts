import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { Opcode } from "../../../src/protocol/index.ts";
import { closePayload, maskedFrame, plainFrame } from "../../rigs/protocol/masked-frame.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import type { WebSocket } from "../../rigs/ws/implementation.ts";
import {
  closed,
  connect,
  keep,
  listen,
  Log,
  message,
  next,
  openPair,
  streamOf,
  told,
  turns,
} from "../../rigs/ws/rig.ts";
import { fieldsOf, goodAnswer, rawServer } from "../../rigs/ws/raw-peer.ts";

const EAGER = { perMessageDeflate: { threshold: 0 } };
const OFFER = "permessage-deflate; client_max_window_bits";

/** Returns a compressed message. (RFC 7692 §7.2.1) */
function deflated(text: string | Buffer): Uint8Array {
  return deflateRawSync(text, { finishFlush: 2 }).subarray(0, -4);
}

/** Returns the server's response to an offer. */
async function agreed(perMessageDeflate: boolean | object, offer = OFFER): Promise<string> {
  const { port } = await listen({ perMessageDeflate });
  const raw = await RawClient.open(port);
  const { handshake } = await import("../../rigs/sockets/raw-client.ts");
  raw.write(handshake("/", { "Sec-WebSocket-Extensions": offer }));
  const head = await raw.head();
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  return fieldsOf(head)["sec-websocket-extensions"] ?? "nothing";
}

describe("the negotiated parameters", () => {
  test.each([
    [false, OFFER, "nothing"],
    [true, OFFER, "permessage-deflate"],
    [true, "foo; bar", "nothing"],
    [true, `foo, ${OFFER}`, "permessage-deflate"],
    [{ clientMaxWindowBits: 8 }, OFFER, "permessage-deflate; client_max_window_bits=8"],
    [
      { serverNoContextTakeover: true, clientNoContextTakeover: true },
      OFFER,
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    ],
    [
      true,
      "permessage-deflate; server_max_window_bits=10; client_no_context_takeover",
      "permessage-deflate; server_max_window_bits=10; client_no_context_takeover",
    ],
    [
      true,
      "permessage-deflate; client_max_window_bits=12",
      "permessage-deflate; client_max_window_bits=12",
    ],
  ])("%j for '%s' is '%s'", async (choice, offer, answer) => {
    expect(await agreed(choice, offer)).toBe(answer);
  });

  test("a malformed offer is ignored if compression is off", async () => {
    expect(await agreed(false, "permessage-deflate; server_max_window_bits=foo;;")).toBe("nothing");
  });

  test("the option maxPayload limits the inflated size", async () => {
    const { client, peer } = await openPair({ ...EAGER, maxPayload: 5 }, EAGER);
    const log = new Log(peer);
    const end = closed(client);
    client.send("A".repeat(6));
    expect(await log.closed).toEqual(["error Max payload size exceeded", "close 1006"]);
    expect((await end).code).toBe(1009);
  });
});

describe("compressed messages", () => {
  test.each([
    ["text", "hi €", false],
    ["a typed array", new Uint8Array([1, 2, 3]), true],
    ["an ArrayBuffer", new Uint8Array([1, 2, 3]).buffer, true],
    ["a Blob", new Blob(["blob"]), true],
    ["nothing", "", false],
  ])("%s is echoed unchanged", async (_, data, binary) => {
    const { client, peer } = await openPair(EAGER, EAGER);
    peer.on("message", (data: Buffer, isBinary: boolean) =>
      peer.send(data, { binary: isBinary, compress: true }),
    );
    client.send(data, { compress: true });
    const seen = await message(client);
    expect(seen.isBinary).toBe(binary);
    const bytes = data instanceof Blob ? await data.arrayBuffer() : data;
    expect(Buffer.from(bytes as string).equals(seen.data as Buffer)).toBe(true);
  });

  test("may be sent in fragments", async () => {
    const { client, peer } = await openPair(EAGER, EAGER);
    const log = new Log(peer);
    client.send("foo", { compress: true, fin: false });
    client.send("bar", { compress: true, fin: true });
    client.close();
    await log.closed;
    expect(log.lines).toEqual(["text foobar", "close 1005"]);
  });

  test("may arrive in fragments with pings in between", async () => {
    const { port, wss } = await listen({ perMessageDeflate: true });
    const connection = next(wss, "connection");
    const raw = await RawClient.upgrade(port, "/", { "Sec-WebSocket-Extensions": OFFER });
    const peer = keep((await connection)[0] as WebSocket);
    const log = new Log(peer);
    const whole = deflated("foobar".repeat(10));
    const first = { opcode: 1, fin: false, reservedBits: 0x40, payload: whole.subarray(0, 4) };
    raw.write(maskedFrame(first));
    raw.write(maskedFrame({ opcode: 9 }));
    raw.write(maskedFrame({ opcode: 0, payload: whole.subarray(4) }));
    raw.write(maskedFrame({ opcode: 8 }));
    expect(await log.closed).toEqual(["ping", `text ${"foobar".repeat(10)}`, "close 1005"]);
  });

  test("are marked by RSV1 from the threshold on, unless compress is false", async () => {
    const { url, peers } = await rawServer((accept) =>
      goodAnswer(
        accept,
        "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n",
      ),
    );
    const client = connect(url, { perMessageDeflate: { threshold: 30 } });
    await next(client, "open");
    const text = "x".repeat(30);
    client.send(text.slice(1));
    client.send(text);
    client.send(text, { compress: false });
    client.send(text, { compress: undefined });
    client.send(Buffer.alloc(100));
    const frames = await peers[0]!.framesWhen(5);
    expect(frames.map(({ reservedBits }) => reservedBits)).toEqual([0, 0x40, 0, 0, 0x40]);
  });

  test("have a default threshold of 1024", async () => {
    const { url, peers } = await rawServer((accept) =>
      goodAnswer(
        accept,
        "Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover\r\n",
      ),
    );
    const client = connect(url);
    await next(client, "open");
    client.send("x".repeat(1023));
    client.send("x".repeat(1024));
    const frames = await peers[0]!.framesWhen(2);
    expect(frames.map(({ reservedBits }) => reservedBits)).toEqual([0, 0x40]);
  });

  test("compress: true has no effect if nothing was negotiated", async () => {
    const { client, peer } = await openPair({}, { perMessageDeflate: false });
    client.send("hi", { compress: true });
    expect(String((await message(peer)).data)).toBe("hi");
  });

  test("that refer to earlier ones are inflated", async () => {
    const takeover = { threshold: 0, clientNoContextTakeover: false };
    const { client, peer } = await openPair(
      { perMessageDeflate: true },
      { perMessageDeflate: takeover },
    );
    const log = new Log(peer);
    for (let sent = 0; sent < 3; sent += 1) client.send("the same again");
    client.close();
    const text = "text the same again";
    expect(await log.closed).toEqual([text, text, text, "close 1005"]);
  });
});

describe("the end, while messages are compressed or inflated", () => {
  test("a Close frame follows them, and so does the reply to one", async () => {
    const { client, peer } = await openPair(EAGER, EAGER);
    const logs = [new Log(client), new Log(peer)];
    for (const text of ["foo", "bar", "baz", "qux"]) client.send(text);
    client.close(1000);
    for (const text of ["foo", "bar", "baz", "qux"]) peer.send(text);
    const all = ["text foo", "text bar", "text baz", "text qux"];
    expect(await logs[1]!.closed).toEqual([...all, "close 1000"]);
    expect(await logs[0]!.closed).toEqual([...all, "close 1000"]);
  });

  test("messages that arrived before the end of the transport are delivered", async () => {
    const { url, peers } = await rawServer((accept) =>
      goodAnswer(accept, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    );
    const client = connect(url);
    await next(client, "open");
    const log = new Log(client);
    const frame = (text: string): Uint8Array =>
      plainFrame({ opcode: 1, reservedBits: 0x40, payload: deflated(text) });
    const long = "x".repeat(100_000);
    peers[0]!.socket.end(Buffer.concat([frame("a"), frame(long), frame("b"), frame("c")]));
    expect(await log.closed).toEqual(["text a", `text ${long}`, "text b", "text c", "close 1006"]);
  });

  test("messages that arrived before a Close frame are delivered, with the state of that time", async () => {
    const { url, peers } = await rawServer((accept) =>
      goodAnswer(accept, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
    );
    const client = connect(url);
    await next(client, "open");
    const log = new Log(client);
    const long = "x".repeat(100_000);
    const text = plainFrame({ opcode: 1, reservedBits: 0x40, payload: deflated(long) });
    const close = plainFrame({ opcode: 8, payload: closePayload(1000) });
    peers[0]!.socket.on("end", () => peers[0]!.socket.end());
    peers[0]!.write(Buffer.concat([text, close]));
    expect(await log.closed).toEqual([`text ${long}`, "close 1000"]);
    expect(log.states).toEqual([1, 3]);
  });

  test("terminate() before that calls the callbacks with an error", async () => {
    const { peer } = await openPair(EAGER, EAGER);
    const end = closed(peer);
    const states: number[] = [];
    const lost = told((done) =>
      peer.send("hi", (error) => {
        states.push(peer.readyState);
        done(error);
      }),
    );
    peer.terminate();
    expect(await lost).toEqual(new Error("The socket was closed while data was being compressed"));
    expect(states).toEqual([2]);
    expect((await end).code).toBe(1006);
  });

  test("callbacks of unwritten messages are called with an error, in order", async () => {
    const { client, peer } = await openPair(EAGER, EAGER);
    client.pause();
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7919) % 251));
    const seen: number[] = [];
    const hear = (number: number) => (error?: Error | null) => {
      if (error) seen.push(number);
    };
    const end = closed(peer);
    for (let sent = 0; sent < 400; sent += 1) peer.send(noise, { compress: false });
    peer.send("foo", hear(1));
    peer.send("bar");
    peer.send("baz", hear(3));
    streamOf(peer).destroy();
    await end;
    await turns(5);
    expect(seen).toEqual([1, 3]);
  });

  test("terminate() during inflation still closes, once", async () => {
    const { client, peer } = await openPair(EAGER, EAGER);
    const log = new Log(client);
    for (let sent = 0; sent < 50; sent += 1) peer.send("x".repeat(20_000));
    await next(client, "message");
    client.terminate();
    expect((await log.closed).at(-1)).toBe("close 1006");
    await turns(5);
    expect(log.lines.filter((line) => line.startsWith("close"))).toHaveLength(1);
  });
});

test("opcodes of compressed messages are those of whole ones", async () => {
  const { url, peers } = await rawServer((accept) =>
    goodAnswer(accept, "Sec-WebSocket-Extensions: permessage-deflate\r\n"),
  );
  const client = connect(url, EAGER);
  await next(client, "open");
  client.send("a");
  client.send(Buffer.from("b"));
  const frames = await peers[0]!.framesWhen(2);
  expect(frames.map(({ opcode }) => opcode)).toEqual([Opcode.Text, Opcode.Binary]);
});
