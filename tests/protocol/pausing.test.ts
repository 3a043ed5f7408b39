import { describe, expect, test, vi } from "vitest";
import { MemoryBudget, Opcode } from "../../src/protocol/index.ts";
import type { Role } from "../../src/protocol/index.ts";
import { cutChunks, singleBytes } from "../rigs/protocol/cut-chunks.ts";
import {
  closePayload,
  frameTo,
  joinBytes,
  maskedFrame,
  utf8,
} from "../rigs/protocol/masked-frame.ts";
import { openConnection, openServerConnection, roles } from "../rigs/protocol/open-connection.ts";
import type { OpenConnection } from "../rigs/protocol/open-connection.ts";

function textTo(role: Role, text: string): Uint8Array {
  return frameTo(role, { opcode: Opcode.Text, payload: utf8(text) });
}

function textsTo(role: Role, from: number, to: number): Uint8Array {
  const numbers = Array.from({ length: to - from }, (_, index) => from + index);
  return joinBytes(numbers.map((number) => textTo(role, String(number))));
}

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

function pauseOn({ connection, seen }: OpenConnection, ...texts: string[]): void {
  seen.react = (event) => {
    if (event.kind === "text" && texts.includes(event.text)) connection.pause();
  };
}

describe.each(roles)("pausing a %s (RFC 6455 §6.2)", (role) => {
  test("before a chunk holds the chunk until resume", () => {
    const { connection, seen } = openConnection(role);
    connection.pause();
    expect(connection.isPaused).toBe(true);
    connection.receive(textsTo(role, 0, 3));
    expect(seen.events).toEqual([]);
    connection.resume();
    expect(seen.texts).toEqual(numbers(0, 3));
    expect(connection.isPaused).toBe(false);
  });

  test("inside a delivery holds the rest of the chunk and later chunks, in order", () => {
    const opened = openConnection(role);
    const { connection, seen } = opened;
    pauseOn(opened, "1");
    connection.receive(textsTo(role, 0, 4));
    expect(seen.texts).toEqual(["0", "1"]);
    connection.receive(textsTo(role, 4, 6));
    connection.receive(textsTo(role, 6, 8));
    expect(seen.texts).toEqual(["0", "1"]);
    connection.resume();
    expect(seen.texts).toEqual(numbers(0, 8));
  });

  test("again during a resume loses nothing", () => {
    const opened = openConnection(role);
    const { connection, seen } = opened;
    pauseOn(opened, ...numbers(0, 10));
    connection.receive(textsTo(role, 0, 5));
    connection.receive(textsTo(role, 5, 10));
    for (let delivered = 1; delivered <= 10; delivered += 1) {
      expect(seen.texts).toEqual(numbers(0, delivered));
      connection.resume();
    }
    connection.receive(textTo(role, "10"));
    expect(seen.texts).toEqual(numbers(0, 11));
  });

  test("in the middle of frames and fragments loses nothing, wherever they are cut", () => {
    const stream = joinBytes([
      textTo(role, "é".repeat(70)),
      frameTo(role, { opcode: Opcode.Text, fin: false, payload: utf8("frag") }),
      frameTo(role, { opcode: Opcode.Ping, payload: utf8("p") }),
      frameTo(role, { opcode: Opcode.Continuation, payload: utf8("ment") }),
      textTo(role, ""),
      frameTo(role, { opcode: Opcode.Close, payload: closePayload(1000) }),
    ]);
    const unpaused = openConnection(role);
    unpaused.connection.receive(stream.slice());
    for (let cut = 1; cut < stream.length; cut += 1) {
      const { connection, seen } = openConnection(role);
      seen.react = () => connection.pause();
      for (const chunk of cutChunks(stream, [cut])) connection.receive(chunk);
      for (let resumed = 0; resumed < 6; resumed += 1) connection.resume();
      expect(seen.events).toEqual(unpaused.seen.events);
    }
  });

  test("between any two bytes loses nothing", () => {
    const { connection, seen } = openConnection(role);
    for (const [at, byte] of singleBytes(textsTo(role, 0, 20)).entries()) {
      if (at % 3 === 0) connection.pause();
      connection.receive(byte);
      if (at % 3 === 1) connection.resume();
    }
    connection.resume();
    expect(seen.texts).toEqual(numbers(0, 20));
  });

  test("then resuming inside the same handler continues as if nothing happened", () => {
    const { connection, seen } = openConnection(role);
    seen.react = () => {
      connection.pause();
      connection.resume();
    };
    connection.receive(textsTo(role, 0, 5));
    connection.receive(textTo(role, "5"));
    expect(seen.texts).toEqual(numbers(0, 6));
  });

  test("then resuming and pausing inside the same handler stays paused", () => {
    const { connection, seen } = openConnection(role);
    seen.react = () => {
      connection.pause();
      connection.resume();
      connection.pause();
    };
    connection.receive(textsTo(role, 0, 3));
    expect(seen.texts).toEqual(["0"]);
    connection.resume();
    expect(seen.texts).toEqual(["0", "1"]);
  });

  test("by any kind of event takes effect after that event", () => {
    for (const opcode of [Opcode.Text, Opcode.Binary, Opcode.Ping, Opcode.Pong]) {
      const { connection, seen } = openConnection(role);
      seen.react = () => connection.pause();
      connection.receive(joinBytes([frameTo(role, { opcode }), textTo(role, "next")]));
      expect(seen.events).toHaveLength(1);
      connection.resume();
      expect(seen.events).toHaveLength(2);
    }
  });

  test("holds a Close frame and a violation, too", () => {
    const endings = [
      [{ opcode: Opcode.Close }, "peer-close"],
      [{ opcode: 0x3 }, "failed"],
    ] as const;
    for (const [ending, kind] of endings) {
      const opened = openConnection(role);
      pauseOn(opened, "0");
      opened.connection.receive(joinBytes([textTo(role, "0"), frameTo(role, ending)]));
      expect(opened.seen.kinds).toEqual(["text"]);
      opened.connection.resume();
      expect(opened.seen.kinds).toEqual(["text", kind, "finished"]);
    }
  });

  test("does not affect sending, and sending does not affect it", () => {
    const { connection, sentFrames } = openConnection(role);
    connection.pause();
    connection.sendText("out");
    connection.close(1000);
    expect(sentFrames()).toHaveLength(2);
  });

  test("a chunk that arrives inside a delivery waits its turn", () => {
    const { connection, seen } = openConnection(role);
    seen.react = (event) => {
      if (event.kind !== "text" || event.text !== "0") return;
      connection.receive(textsTo(role, 3, 5));
      connection.receive(textsTo(role, 5, 7));
    };
    connection.receive(textsTo(role, 0, 3));
    expect(seen.texts).toEqual(numbers(0, 7));
  });

  test("a chunk that arrives inside a delivery that pauses waits for resume, in order", () => {
    const { connection, seen } = openConnection(role);
    seen.react = (event) => {
      if (event.kind !== "text" || event.text !== "0") return;
      connection.receive(textsTo(role, 3, 5));
      connection.pause();
      connection.receive(textsTo(role, 5, 7));
    };
    connection.receive(textsTo(role, 0, 3));
    expect(seen.texts).toEqual(["0"]);
    connection.receive(textTo(role, "7"));
    connection.resume();
    expect(seen.texts).toEqual(numbers(0, 8));
  });
});

describe("a handler that throws (RFC 6455 §5.4)", () => {
  test("does not make the connection read payload as frames", () => {
    const { connection, seen } = openServerConnection();
    const forged = textTo("server", "forged");
    // Masked so that its payload looks like a frame on the wire.
    const carrier = maskedFrame({ opcode: Opcode.Binary, payload: forged }, new Uint8Array(4));
    const cut = carrier.length - forged.length;
    seen.react = (event) => {
      if (event.kind === "text" && event.text === "0") throw new Error("a bug of the owner");
    };
    const chunk = joinBytes([textTo("server", "0"), carrier.slice(0, cut)]);
    expect(() => connection.receive(chunk)).toThrow("a bug of the owner");
    connection.receive(carrier.slice(cut));
    expect(seen.texts).toEqual(["0"]);
  });
});

describe("data held by a paused connection (RFC 6455 §10.4)", () => {
  test("is dropped when the transport ends, and not delivered", () => {
    const budget = new MemoryBudget(1 << 20);
    const { connection, seen } = openServerConnection({ account: budget });
    connection.receive(
      frameTo("server", { opcode: Opcode.Text, fin: false, payload: utf8("unfinished") }),
    );
    connection.pause();
    connection.receive(textTo("server", "held"));
    connection.transportEnded();
    connection.resume();
    expect(seen.events).toEqual([]);
    expect(budget.usedBytes).toBe(0);
  });

  test("messages that answer each other inside their deliveries do not deepen the stack", () => {
    // Two ends connected without a queue: each reply arrives inside the delivery before it.
    const server = openConnection("server");
    const client = openConnection("client");
    const depths: number[] = [];
    server.seen.react = () => server.connection.sendText("s");
    client.seen.react = () => {
      depths.push(stackDepth());
      if (depths.length < 100) client.connection.sendText("c");
    };
    server.seen.reactToOutput = () => client.connection.receive(server.sent());
    client.seen.reactToOutput = () => server.connection.receive(client.sent());
    client.connection.sendText("c");
    expect(depths).toHaveLength(100);
    expect(depths[99]! - depths[9]!).toBeLessThan(20);
  });

  test("many chunks while paused are joined once, not once each", () => {
    // Every copy of bytes uses `set`.
    const copies = vi.spyOn(Uint8Array.prototype, "set");
    const { connection, seen } = openServerConnection();
    const chunk = textsTo("server", 0, 100);
    const chunks = 400;
    connection.pause();
    for (let given = 0; given < chunks; given += 1) connection.receive(chunk.slice());
    connection.resume();
    const copied = copies.mock.calls.reduce((sum, [source]) => sum + source.length, 0);
    copies.mockRestore();
    expect(seen.texts).toHaveLength(100 * chunks);
    expect(copied).toBeLessThan(chunk.length * chunks * 4);
  });
});

function stackDepth(): number {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 10_000;
  const depth = new Error("only for its stack").stack!.split("\n").length;
  Error.stackTraceLimit = limit;
  return depth;
}
