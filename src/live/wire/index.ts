export { isTerminal } from "./close-code.ts";
export type { Feature } from "./features.ts";
export { decodeServerMessage, malformed } from "./server-message.ts";
export type {
  AnswerMessage,
  EntryMessage,
  MessageOf,
  ServerMessage,
  SnapshotMessage,
  TopicMessage,
} from "./server-message.ts";
export { SUBPROTOCOL } from "./subprotocol.ts";
export { REPEAT_WINDOW_MS } from "./time-windows.ts";
