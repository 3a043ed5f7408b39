import { describe, expect, test } from "vitest";
import { LongwireError } from "../../src/base/index.ts";
import { HandshakeError, LimitError, ProtocolError } from "../../src/protocol/index.ts";

describe("Longwire's errors", () => {
  test("have one base class, a name, a stable code and details", () => {
    const cause = new Error("why");
    const facts = { message: "m", size: 2, limit: 1 };
    const errors = [
      new LongwireError("a", "m", { cause }),
      new ProtocolError("b", 1002, "m"),
      new LimitError("c", 1009, facts),
      new HandshakeError("d", "m", { status: 404, cause }),
    ];
    expect(errors.map(({ name, code, message }) => [name, code, message])).toEqual([
      ["LongwireError", "a", "m"],
      ["ProtocolError", "b", "m"],
      ["LimitError", "c", "m"],
      ["HandshakeError", "d", "m"],
    ]);
    for (const error of errors) expect(error).toBeInstanceOf(LongwireError);
    expect(errors[2]).toBeInstanceOf(ProtocolError);
    expect(errors[2]).toMatchObject({ closeCode: 1009, size: 2, limit: 1 });
    expect(errors[3]).toMatchObject({ status: 404, cause });
    expect(errors[0]!.cause).toBe(cause);
    expect("cause" in new HandshakeError("d", "m")).toBe(false);
  });
});
