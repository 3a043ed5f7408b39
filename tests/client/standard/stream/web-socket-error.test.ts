import { describe, expect, test } from "vitest";
import { WebSocketError } from "../../../../src/client/index.ts";

describe("WebSocketError (WebSocketStream draft)", () => {
  test("is a DOMException whose name is its own", () => {
    const error = new WebSocketError();
    expect(error).toBeInstanceOf(DOMException);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: "WebSocketError", code: 0, message: "" });
    expect(error).toMatchObject({ closeCode: null, reason: "" });
    expect(String(error)).toBe("WebSocketError");
    expect(Object.prototype.toString.call(error)).toBe("[object WebSocketError]");
  });

  test("takes message, code and reason", () => {
    const error = new WebSocketError("message", { closeCode: 3456, reason: "reason\ud800" });
    expect(error.message).toBe("message");
    expect(error).toMatchObject({ closeCode: 3456, reason: "reason\ufffd" });
    expect(new WebSocketError("", { closeCode: 3333 })).toMatchObject({ reason: "" });
  });

  test("a reason alone implies 1000", () => {
    expect(new WebSocketError("", { reason: "x" }).closeCode).toBe(1000);
    expect(new WebSocketError("", { reason: "" }).closeCode).toBe(null);
  });

  test.each([0, 999, 1001, 1006, 2999, 5000, 65_535])(
    "%d is an InvalidAccessError",
    (closeCode) => {
      const error = expect.objectContaining({ name: "InvalidAccessError" });
      expect(() => new WebSocketError("", { closeCode })).toThrow(error);
    },
  );

  test.each([-1, 65_536, Number.NaN, Infinity, "x", 5n, Symbol("x")])(
    "%o is out of range, a TypeError (Web IDL §3.2.4.9, [EnforceRange])",
    (closeCode) => {
      const init = { closeCode: closeCode as number };
      expect(() => new WebSocketError("", init)).toThrow(TypeError);
    },
  );

  test("fractions are cut off", () => {
    expect(new WebSocketError("", { closeCode: 3000.9 }).closeCode).toBe(3000);
  });

  test.each(["x".repeat(124), "🔌".repeat(32)])(
    "a reason of more than 123 bytes is a SyntaxError",
    (reason) => {
      const error = expect.objectContaining({ name: "SyntaxError" });
      expect(() => new WebSocketError("", { closeCode: 1000, reason })).toThrow(error);
      expect(() => new WebSocketError("", { reason })).toThrow(error);
    },
  );

  test("the dictionary must be an object, null or undefined", () => {
    expect(new WebSocketError("", null as never).closeCode).toBe(null);
    expect(() => new WebSocketError("", 5 as never)).toThrow(TypeError);
    expect(() => new WebSocketError(Symbol("x") as never)).toThrow(TypeError);
  });

  test("its attributes require an instance", () => {
    const get = (): unknown =>
      Reflect.get(WebSocketError.prototype, "closeCode", new DOMException("x"));
    expect(get).toThrow(TypeError);
  });
});
