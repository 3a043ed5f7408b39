import { answers, applicationSends, section, sends, sendsCut } from "../conformance-case.ts";
import { binary, hex, text } from "../frames.ts";

const everyOctet = Uint8Array.from({ length: 256 }, (_, octet) => octet);

/** (RFC 6455 §5.6) */
export const dataFrameCases = section("RFC 6455 §5.6", [
  {
    name: "text is echoed as text and binary as binary, with the same octets",
    steps: [sends(text("Hello"), binary("Hello")), answers(text("Hello"), binary("Hello"))],
    messages: ["Hello", hex("48656c6c6f")],
  },
  {
    name: "empty text and empty binary are messages",
    steps: [sends(text(), binary(), text()), answers(text(), binary(), text())],
    messages: ["", new Uint8Array(0), ""],
  },
  {
    name: "binary of every octet, whole and octet by octet",
    steps: [
      sends(binary(everyOctet)),
      sendsCut("octets", binary(everyOctet)),
      answers(binary(everyOctet), binary(everyOctet)),
    ],
  },
  {
    name: "text of every ASCII character",
    steps: [sends(text(everyOctet.subarray(0, 128))), answers(text(everyOctet.subarray(0, 128)))],
  },
  {
    name: "a byte order mark is a character of the text",
    steps: [sends(text(hex("efbbbf 48 69"))), answers(text(hex("efbbbf 48 69")))],
    messages: ["\ufeffHi"],
  },
  {
    name: "text that consists of a byte order mark",
    steps: [sends(text(hex("efbbbf"))), answers(text(hex("efbbbf")))],
    messages: ["\ufeff"],
  },
  {
    name: "line ends and NUL are not changed",
    steps: [sends(text("a\r\nb\nc\rd\0e")), answers(text("a\r\nb\nc\rd\0e"))],
    messages: ["a\r\nb\nc\rd\0e"],
  },
  {
    name: "an application's string is sent as text, and its bytes as binary",
    steps: [
      applicationSends("text €"),
      applicationSends(everyOctet),
      answers(text("text €"), binary(everyOctet)),
    ],
    messages: [],
  },
  {
    name: "a lone surrogate in an application's text becomes U+FFFD",
    steps: [applicationSends("a\ud800b"), answers(text("a\ufffdb"))],
    messages: [],
  },
  {
    name: "an application's long text keeps its characters",
    steps: [applicationSends("añ€🙂".repeat(20_000)), answers(text("añ€🙂".repeat(20_000)))],
    messages: [],
  },
]);
