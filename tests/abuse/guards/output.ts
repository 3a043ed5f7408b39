import type { Guard, Unguarded } from "./guard.ts";
import { payersShare, sharedPages, sliceOfATurn } from "./shared.ts";

const answersRoom: Guard = {
  what: "64 KiB of an HTTP answer are outstanding, and the rest is read as the client takes it",
  file: "dist/live/server/http/state-answer.js",
  from: "const room = OUTSTANDING_BYTES - exchange.bufferedAmount;",
  to: "const room = Infinity;",
};

const historyRoom: Guard = {
  what: "a page of history waits until most of the answers before it are read",
  file: "dist/live/server/sessions/message-session.js",
  from: "if (this.#peer.bufferedAmount < OUTSTANDING_BYTES)",
  to: "if (true)",
};

const subscribersRoom: Guard = {
  what: "64 KiB of a subscription are outstanding, and the rest waits in the log",
  file: "dist/topics/fan-out/subscription.js",
  from: "const room = OUTSTANDING_BYTES - this.#buffer.bufferedAmount;",
  to: "const room = Infinity;",
};

/** With them a subscriber that does not read costs references to what all are sent. */
const sharedFrames: readonly Guard[] = [
  {
    what: "subscribers at the same place are given the same piece of a lane",
    file: "dist/topics/fan-out/lane.js",
    from: "if (last?.from === position && last.end === this.#end && last.slice.bytes.length <= maxBytes) {",
    to: "if (false) {",
  },
  {
    what: "a piece of a lane is a part of it, and no copy",
    file: "dist/topics/fan-out/lane.js",
    from: "const bytes = block.bytes.subarray(from, end);",
    to: "const bytes = new Uint8Array(block.bytes.subarray(from, end));",
  },
];

/** Peers that do not read. */
export const output: readonly Unguarded[] = [
  {
    row: "unread-answers-pipelined",
    expects: "memory",
    guards: [answersRoom, payersShare, sharedPages],
  },
  {
    row: "unread-answers-held",
    expects: "memory",
    guards: [answersRoom, payersShare, sharedPages],
  },
  {
    row: "unread-answers-abandoned",
    expects: "memory",
    guards: [answersRoom, payersShare, sharedPages, sliceOfATurn],
  },
  {
    row: "unread-answers-history",
    expects: "memory",
    guards: [historyRoom, payersShare],
  },
  {
    row: "unread-answers-pages",
    expects: "memory",
    guards: [answersRoom, payersShare, sharedPages],
  },
  {
    row: "unread-event-streams",
    expects: "memory",
    guards: [subscribersRoom, payersShare, ...sharedFrames],
  },
  {
    row: "unread-subscribers",
    expects: "memory",
    guards: [subscribersRoom, payersShare, ...sharedFrames],
  },
  {
    row: "pings-unread",
    expects: "memory",
    guards: [
      payersShare,
      {
        what: "only the latest ping of a peer that does not read is answered",
        file: "dist/protocol/protocol-connection.js",
        from: 'if (this.#pongs === "sent" && this.outgoing.size <= MOST_OUTPUT_BEFORE_PONG)',
        to: "if (true)",
      },
      {
        what: "nothing more is read from a peer that has 1 MiB unsent (stopReadingBytes)",
        file: "dist/node/stream/stream-connection.js",
        from: "    onTooMuch() {\n        if ((this.#pauses & Pause.Output) !== 0)",
        to: "    onTooMuch() {\n        if (true)",
      },
    ],
  },
];
