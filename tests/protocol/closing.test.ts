import { describe, expect, test } from "vitest";
import { CloseCode, isSendableCloseCode, Opcode } from "../../src/protocol/index.ts";
import type { Role } from "../../src/protocol/index.ts";
import { expectNothingSendable } from "./nothing-sendable.ts";
import { closePayload, frameTo, joinBytes, utf8 } from "../rigs/protocol/masked-frame.ts";
import { hex, openConnection, other, roles } from "../rigs/protocol/open-connection.ts";
import type { OpenConnection } from "../rigs/protocol/open-connection.ts";

const LEGAL = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];

const ILLEGAL = [
  0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 9999, 32_768, 65_535,
];

function closeTo(role: Role, payload: Uint8Array): Uint8Array {
  return frameTo(role, { opcode: Opcode.Close, payload });
}

function received(role: Role, payload: Uint8Array): OpenConnection {
  const opened = openConnection(role);
  opened.connection.receive(closeTo(role, payload));
  return opened;
}

describe.each(roles)("closing by a %s (RFC 6455 §7.1.2)", (role) => {
  test.each(LEGAL)("code %i is sent with a reason (RFC 6455 §7.4)", (code) => {
    const { connection, sentFrames } = openConnection(role);
    connection.close(code, "grüß");
    expect(sentFrames()).toMatchObject([
      { opcode: Opcode.Close, fin: true, payload: closePayload(code, utf8("grüß")) },
    ]);
    expect(connection.state).toBe("close-sent");
  });

  test.each([...ILLEGAL, -1, 1000.5, 65_536 + 1000, Number.NaN, Number.POSITIVE_INFINITY])(
    "code %d throws and sends nothing (RFC 6455 §7.4)",
    (code) => {
      const { connection } = openConnection(role);
      expect(() => connection.close(code)).toThrow(
        expect.objectContaining({ code: "invalid_close_code" }),
      );
      expect(connection.isOpen).toBe(true);
      expect(connection.outgoing.size).toBe(0);
    },
  );

  test("without a code, the frame is empty (RFC 6455 §7.1.5)", () => {
    const { connection, sentFrames } = openConnection(role);
    connection.close();
    expect(sentFrames()).toMatchObject([{ opcode: Opcode.Close, payload: new Uint8Array(0) }]);
  });

  test("a reason without a code throws (RFC 6455 §5.5.1)", () => {
    const { connection } = openConnection(role);
    expect(() => connection.close(undefined, "why")).toThrow(
      expect.objectContaining({ code: "invalid_close_code" }),
    );
  });

  test("a reason of 123 bytes is sent, one of 124 throws; bytes count, not characters (§5.5)", () => {
    const reason = "é".repeat(61);
    const { connection, sentFrames } = openConnection(role);
    for (const long of [`${reason}xx`, "x".repeat(124), "😀".repeat(31)]) {
      expect(() => connection.close(1000, long)).toThrow(
        expect.objectContaining({ code: "invalid_close_reason" }),
      );
    }
    expect(connection.isOpen).toBe(true);
    connection.close(1000, `${reason}x`);
    expect(sentFrames()).toMatchObject([{ payload: closePayload(1000, utf8(`${reason}x`)) }]);
  });

  test("closing twice sends one Close frame (RFC 6455 §5.5.1)", () => {
    const { connection, sentFrames } = openConnection(role);
    connection.close(1000);
    connection.close(1001);
    connection.close();
    expect(sentFrames()).toHaveLength(1);
  });

  test("after closing, nothing can be sent (RFC 6455 §5.5.1)", () => {
    const { connection, sent } = openConnection(role);
    connection.close(1000);
    sent();
    expectNothingSendable(connection);
  });

  test("closing between two fragments ends the sending (RFC 6455 §5.4, §5.5.1)", () => {
    const { connection, sentFrames } = openConnection(role);
    connection.sendFragment("text", utf8("a"), false);
    connection.close(1000);
    expect(() => connection.sendFragment("text", utf8("b"), true)).toThrow(
      expect.objectContaining({ code: "not_open" }),
    );
    expect(sentFrames().map(({ opcode }) => opcode)).toEqual([Opcode.Text, Opcode.Close]);
  });

  test("messages still arrive until the peer's Close frame (RFC 6455 §1.4, §5.5.1)", () => {
    const { connection, seen } = openConnection(role);
    connection.close(1000);
    const text = frameTo(role, { opcode: Opcode.Text, payload: utf8("late") });
    connection.receive(joinBytes([text, closeTo(role, closePayload(1000)), text]));
    expect(seen.kinds).toEqual(["text", "peer-close", "finished"]);
    expect(connection.state).toBe("finished");
  });

  test("later pings are delivered but not answered (RFC 6455 §5.5.1)", () => {
    const { connection, seen, sent } = openConnection(role);
    connection.close(1000);
    sent();
    connection.receive(frameTo(role, { opcode: Opcode.Ping, payload: utf8("p") }));
    expect(seen.events).toEqual([{ kind: "ping", hex: hex(utf8("p")) }]);
    expect(connection.outgoing.size).toBe(0);
  });

  test("the peer's reply is not answered again (RFC 6455 §5.5.1)", () => {
    const { connection, seen, sent } = openConnection(role);
    connection.close(1000);
    sent();
    connection.receive(closeTo(role, closePayload(1000)));
    expect(seen.kinds).toEqual(["peer-close", "finished"]);
    expect(connection.outgoing.size).toBe(0);
  });

  test("a later violation does not cause a second Close frame (RFC 6455 §7.1.7)", () => {
    for (const frame of [
      frameTo(role, { opcode: 0x3 }),
      closeTo(role, Uint8Array.of(3)),
      closeTo(role, closePayload(1005)),
    ]) {
      const { connection, seen, sent } = openConnection(role);
      connection.close(1000);
      sent();
      connection.receive(frame);
      expect(seen.kinds).toEqual(["failed", "finished"]);
      expect(connection.outgoing.size).toBe(0);
    }
  });

  test("closing inside a delivery does not stop the rest of the chunk (RFC 6455 §5.5.1)", () => {
    const { connection, seen, sentFrames } = openConnection(role);
    seen.react = (event) => {
      if (event.kind === "text") connection.close(1000);
    };
    const texts = ["a", "b"].map((text) =>
      frameTo(role, { opcode: Opcode.Text, payload: utf8(text) }),
    );
    connection.receive(joinBytes(texts));
    expect(seen.texts).toEqual(["a", "b"]);
    expect(sentFrames()).toHaveLength(1);
  });

  test("closing inside onPeerClose does nothing, because the reply is already queued (RFC 6455 §5.5.1)", () => {
    const { connection, seen, sentFrames } = openConnection(role);
    seen.react = () => connection.close(1001);
    connection.receive(closeTo(role, closePayload(3000)));
    expect(sentFrames()).toMatchObject([{ payload: closePayload(3000) }]);
  });

  test("closing inside the onOutput of the Close frame does not send a second one (§5.5.1)", () => {
    const { connection, seen, sentFrames } = openConnection(role);
    seen.reactToOutput = () => connection.close(1001);
    connection.close(1000);
    expect(sentFrames()).toHaveLength(1);
  });

  test("onOutput cannot append data to a Close frame (RFC 6455 §5.5.1)", () => {
    const causes: ((opened: OpenConnection) => void)[] = [
      ({ connection }) => connection.close(1000),
      ({ connection }) => connection.receive(closeTo(role, closePayload(1000))),
      ({ connection }) => connection.receive(frameTo(role, { opcode: 0x3 })),
    ];
    for (const cause of causes) {
      const opened = openConnection(role);
      opened.seen.reactToOutput = () => {
        if (opened.connection.isOpen) opened.connection.sendText("behind");
      };
      cause(opened);
      expect(opened.sentFrames().map(({ opcode }) => opcode)).toEqual([Opcode.Close]);
    }
  });
});

describe("both ends closing (RFC 6455 §7.1)", () => {
  test("a simultaneous close finishes both, each with the other's code (RFC 6455 §7.1.5)", () => {
    const server = openConnection("server");
    const client = openConnection("client");
    server.connection.close(1001, "deploy");
    client.connection.close(1000, "done");
    const fromServer = server.sent();
    server.connection.receive(client.sent());
    client.connection.receive(fromServer);
    expect(server.seen.events[0]).toEqual({ kind: "peer-close", code: 1000, reason: "done" });
    expect(client.seen.events[0]).toEqual({ kind: "peer-close", code: 1001, reason: "deploy" });
    for (const { connection, seen } of [server, client]) {
      expect(connection.state).toBe("finished");
      expect(connection.outgoing.size).toBe(0);
      expect(seen.kinds).toEqual(["peer-close", "finished"]);
    }
  });

  test.each(roles)("a close by the %s finishes both, once (RFC 6455 §7.1.4)", (role) => {
    const closer = openConnection(role);
    const peer = openConnection(other(role));
    closer.connection.close(4000, "why");
    peer.connection.receive(closer.sent());
    closer.connection.receive(peer.sent());
    expect(peer.seen.events[0]).toEqual({ kind: "peer-close", code: 4000, reason: "why" });
    expect(closer.seen.events[0]).toEqual({ kind: "peer-close", code: 4000, reason: "why" });
    expect(closer.seen.kinds.filter((kind) => kind === "finished")).toHaveLength(1);
    expect(peer.seen.kinds.filter((kind) => kind === "finished")).toHaveLength(1);
  });

  test("the transport's end is not reported and stops everything (RFC 6455 §7.1.7)", () => {
    for (const role of roles) {
      const { connection, seen } = openConnection(role);
      connection.transportEnded();
      connection.receive(frameTo(role, { opcode: Opcode.Text, payload: utf8("x") }));
      expect(seen.events).toEqual([]);
      expect(connection.state).toBe("failed");
      expectNothingSendable(connection);
    }
  });

  test("the transport's end after the handshake does not change the state (RFC 6455 §7.1.4)", () => {
    const { connection } = received("server", closePayload(1000));
    connection.transportEnded();
    expect(connection.state).toBe("finished");
  });

  test("a transport that ends inside a delivery stops the rest of the chunk (RFC 6455 §7.1.7)", () => {
    const { connection, seen } = openConnection("server");
    seen.react = () => connection.transportEnded();
    const text = frameTo("server", { opcode: Opcode.Text, payload: utf8("x") });
    connection.receive(joinBytes([text, text]));
    expect(seen.texts).toEqual(["x"]);
  });
});

describe("close codes (RFC 6455 §7.4)", () => {
  test("exactly 1000–1003, 1007–1014 and 3000–4999 may be sent (RFC 6455 §7.4)", () => {
    const sendable = Array.from({ length: 70_000 }, (_, code) => code).filter(isSendableCloseCode);
    const ranges = [
      [1000, 1003],
      [1007, 1014],
      [3000, 4999],
    ] as const;
    const expected = ranges.flatMap(([from, to]) =>
      Array.from({ length: to - from + 1 }, (_, index) => from + index),
    );
    expect(sendable).toEqual(expected);
  });

  test("Longwire's own codes are sendable, except for the two that never are (RFC 6455 §7.4.1)", () => {
    for (const [name, code] of Object.entries(CloseCode)) {
      expect(isSendableCloseCode(code)).toBe(name !== "NoStatus" && name !== "Abnormal");
    }
  });
});
