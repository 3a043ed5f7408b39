import { afterAll, describe, expect, test } from "vitest";
import { frameTo, type FrameOptions } from "../rigs/protocol/masked-frame.ts";
import { roles } from "./carriers/carrier-for.ts";
import type { Opened, Opening } from "./carriers/carrier.ts";
import { ClientOverHttp2 } from "./carriers/client-over-http2.ts";
import { ServerOverHttp2 } from "./carriers/server-over-http2.ts";
import { close, continuation, ping, text } from "./frames.ts";

const PLAIN: Opening = { settings: {}, extensions: undefined };
const lost = { code: 1006, reason: "", wasClean: false };

describe.each(roles)("Longwire's %s over HTTP/2 (RFC 8441 §5)", (role) => {
  const carrier = role === "server" ? new ServerOverHttp2() : new ClientOverHttp2();
  afterAll(() => carrier.stop());

  const send = ({ pipe }: Opened, ...frames: FrameOptions[]): void => {
    for (const frame of frames) pipe.write(frameTo(role, frame));
  };

  async function heard({ pipe }: Opened, count: number): Promise<string[]> {
    const frames = await pipe.frames(count);
    return frames.map(({ opcode, payload }) => `${opcode} ${Buffer.from(payload).toString()}`);
  }

  async function echoes(opened: Opened, words: string): Promise<void> {
    send(opened, text(words));
    expect(await heard(opened, 1)).toEqual([`1 ${words}`]);
  }

  async function openTwo(): Promise<[Opened, Opened]> {
    return [await carrier.open(PLAIN), await carrier.open(PLAIN)];
  }

  test("messages of two WebSockets on one connection do not mix", async () => {
    const [one, two] = await openTwo();
    const more = { fin: false };
    send(one, text("o", more));
    send(two, text("t", more));
    send(one, continuation("n", more), ping("1"));
    send(two, continuation("w", more), ping("2"));
    send(one, continuation("e"));
    send(two, continuation("o"));
    expect(await heard(one, 2)).toEqual(["10 1", "1 one"]);
    expect(await heard(two, 2)).toEqual(["10 2", "1 two"]);
    expect(one.application.messages).toEqual(["one"]);
    expect(two.application.messages).toEqual(["two"]);
  });

  test("a failing one does not affect the other on its connection", async () => {
    const [one, two] = await openTwo();
    send(one, continuation("stray"));
    expect(await one.pipe.frames(1)).toMatchObject([close(1002)]);
    one.pipe.end();
    expect(await one.application.closed).toMatchObject({ ...lost, error: "stray_continuation" });
    await echoes(two, "still here");
  });

  test("a closing one does not affect the other on its connection", async () => {
    const [one, two] = await openTwo();
    send(one, close(1000));
    expect(await one.pipe.frames(1)).toMatchObject([close(1000)]);
    one.pipe.end();
    expect(await one.application.closed).toMatchObject({ code: 1000, wasClean: true });
    await echoes(two, "still here");
  });

  test("RST_STREAM breaks the transport of its own WebSocket only", async () => {
    const [one, two] = await openTwo();
    await echoes(one, "before");
    one.pipe.reset();
    expect(await one.application.closed).toMatchObject(lost);
    await echoes(two, "still here");
  });

  test("END_STREAM ends the transport of its own WebSocket only", async () => {
    const [one, two] = await openTwo();
    await echoes(one, "before");
    one.pipe.end();
    await one.pipe.closed();
    expect(await one.application.closed).toMatchObject(lost);
    await echoes(two, "still here");
  });

  test("a WebSocket that reads slowly does not delay the other on its connection", async () => {
    const [one, two] = await openTwo();
    const long = "*".repeat(4 * 1024 * 1024);
    send(one, text(long));
    await echoes(two, "in between");
    const [answer] = await one.pipe.frames(1);
    expect(answer!.payload.length).toBe(long.length);
  });

  test("a broken connection ends all its WebSockets, and a new one opens", async () => {
    const [one, two] = await openTwo();
    await carrier.breakOff();
    expect(await one.application.closed).toMatchObject(lost);
    expect(await two.application.closed).toMatchObject(lost);
    await echoes(await carrier.open(PLAIN), "again");
  });
});

describe("Longwire's client over HTTP/2 (RFC 8441 §5)", () => {
  test("opens the WebSockets of one origin on one connection", async () => {
    const carrier = new ClientOverHttp2();
    const opened = [];
    for (let count = 0; count < 3; count += 1) opened.push(await carrier.open(PLAIN));
    expect(carrier.connections).toBe(1);
    await carrier.stop();
    await Promise.all(opened.map(({ application }) => application.closed));
  });
});
