import { describe, expect, test } from "vitest";
import { fieldValues, isFieldValue, isToken } from "../../../src/protocol/index.ts";
import { hasToken, listMembers, trimmed } from "../../../src/protocol/handshake/header-fields.ts";
import type { Fields } from "./opening-request.ts";

describe("header fields (RFC 9110 §5)", () => {
  const given: Fields = [
    ["X-List", " a, b ,,\tc\t"],
    ["Other", "d"],
    ["x-LIST", "D"],
  ];

  test("fieldValues returns the values of all headers with a name, in any case, trimmed (RFC 9110 §5.1, §5.3)", () => {
    expect(fieldValues(given, "x-list")).toEqual(["a, b ,,\tc", "D"]);
    expect(fieldValues(given, "missing")).toEqual([]);
  });

  test("a list covers all headers with its name, without empty members (RFC 9110 §5.6.1)", () => {
    expect(listMembers(given, "x-list")).toEqual(["a", "b", "c", "D"]);
    expect(hasToken(given, "x-list", "d")).toBe(true);
    expect(hasToken(given, "x-list", "e")).toBe(false);
  });

  test("a token consists of letters, digits and some marks, at least one (RFC 9110 §5.6.2)", () => {
    const legal = Array.from({ length: 256 }, (_, unit) => String.fromCharCode(unit)).filter(
      isToken,
    );
    expect(legal.join("")).toBe(
      "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~",
    );
    expect(isToken("")).toBe(false);
    expect(isToken("a\n")).toBe(false);
    expect(isToken("a b")).toBe(false);
  });

  test("a value has no control character except the tab, so it cannot be split (CVE-2026-1527)", () => {
    const illegal = Array.from({ length: 300 }, (_, unit) => unit).filter(
      (unit) => !isFieldValue(`a${String.fromCharCode(unit)}b`),
    );
    const controls = Array.from({ length: 32 }, (_, unit) => unit).filter((unit) => unit !== 9);
    const beyondLatin1 = Array.from({ length: 44 }, (_, index) => 256 + index);
    expect(illegal).toEqual([...controls, 0x7f, ...beyondLatin1]);
    expect(isFieldValue("")).toBe(true);
    // Code units whose low byte is a line break, to which a careless encoder would truncate them.
    expect(isFieldValue("a\u010d\u010ab")).toBe(false);
  });

  test("only spaces and tabs are trimmed (RFC 9110 §5.6.3)", () => {
    expect(trimmed(" \t a \t b\t ")).toBe("a \t b");
    expect(trimmed(" \t ")).toBe("");
    expect(trimmed("\u00a0\r\na\n")).toBe("\u00a0\r\na\n");
  });
});
