import { describe, expect, test } from "vitest";
import { joinBytes, maskedFrame, utf8 } from "../../rigs/protocol/masked-frame.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import type { ServerOptions, WebSocket } from "../../rigs/ws/implementation.ts";
import { keep, listen, Log, next, openPair, until } from "../../rigs/ws/rig.ts";

async function rawPair(options: ServerOptions = {}): Promise<{ peer: WebSocket; raw: RawClient }> {
  const { port, wss } = await listen(options);
  const connection = next(wss, "connection");
  const raw = await RawClient.upgrade(port);
  const [peer] = (await connection) as [WebSocket];
  return { peer: keep(peer), raw };
}

const text = (data: string): Uint8Array => maskedFrame({ opcode: 1, payload: utf8(data) });

describe("the messages in one chunk", () => {
  test("are delivered in one turn by default", async () => {
    const { peer, raw } = await rawPair();
    const order: string[] = [];
    peer.on("message", (data: Buffer) => {
      order.push(String(data));
      process.nextTick(() => order.push(`- ${String(data)}`));
    });
    raw.write(joinBytes([text("1"), text("2"), text("3")]));
    await until(() => order.length === 6);
    expect(order).toEqual(["1", "2", "3", "- 1", "- 2", "- 3"]);
  });

  test("let promises settle between them with allowSynchronousEvents false", async () => {
    const { peer, raw } = await rawPair({ allowSynchronousEvents: false });
    const order: string[] = [];
    for (const event of ["message", "ping", "pong"]) {
      peer.on(event, (data: Buffer) => {
        order.push(String(data));
        void Promise.resolve().then(() => {
          order.push(`- ${String(data)}`);
          return Promise.resolve().then(() => order.push(`-- ${String(data)}`));
        });
      });
    }
    const control = (opcode: number, data: string): Uint8Array =>
      maskedFrame({ opcode, payload: utf8(data) });
    raw.write(joinBytes([text("1"), control(9, "2"), control(10, "3"), text("4")]));
    await until(() => order.length === 12);
    expect(order).toEqual(["1", "2", "3", "4"].flatMap((one) => [one, `- ${one}`, `-- ${one}`]));
  });

  test("belong to the application", async () => {
    const { client, peer } = await openPair();
    const kept: Buffer[] = [];
    peer.on("message", (data: Buffer) => kept.push(data));
    const sent = Array.from({ length: 200 }, (_, index) => `message ${index} `.repeat(index + 1));
    for (const one of sent) client.send(one);
    client.close();
    await new Log(peer).closed;
    expect(kept.map(String)).toEqual(sent);
  });
});

describe("a message in pieces", () => {
  test("of one byte each arrives complete", async () => {
    const { peer, raw } = await rawPair();
    const log = new Log(peer);
    for (const octet of joinBytes([text("hello"), maskedFrame({ opcode: 8 })])) {
      raw.write(Uint8Array.of(octet));
    }
    expect(await log.closed).toEqual(["text hello", "close 1005"]);
  });

  test("has one buffer per frame as 'fragments'", async () => {
    const { client, peer } = await openPair();
    peer.binaryType = "fragments";
    const heard = next(peer, "message");
    client.send(Buffer.from("one"), { fin: false });
    client.send(Buffer.from("two"), { fin: false });
    client.send(Buffer.alloc(0), { fin: false });
    client.send(Buffer.from("three"), { fin: true });
    expect(await heard).toEqual([["one", "two", "three"].map((one) => Buffer.from(one)), true]);
  });
});

describe("generateMask", () => {
  test("creates a client's masking keys", async () => {
    const { client, peer } = await openPair({}, { generateMask: (mask) => mask.set([0, 0, 0, 0]) });
    const bytes: Buffer[] = [];
    (peer._socket as import("node:net").Socket).prependListener("data", (chunk: Buffer) =>
      bytes.push(Buffer.from(chunk)),
    );
    client.send("hi");
    client.ping("ho");
    client.send("", { fin: false });
    client.close();
    expect(await new Log(peer).closed).toEqual(["text hi", "ping ho", "close 1005"]);
    expect(Buffer.concat(bytes).toString("hex")).toBe(
      ["8182000000006869", "898200000000686f", "018000000000", "888000000000"].join(""),
    );
  });
});
