import { Connections } from "./connections.mjs";
import { BINARY, deflated, frame, TEXT } from "./frames.mjs";
import { inflated } from "./frame-reader.mjs";
import { payloadOf } from "./payloads.mjs";
import { stage } from "./stage.mjs";
import { Timed } from "./window.mjs";

/**
 * Every connection sends `batch` messages in one write, and again when all have come back.
 *
 * @param {object} options
 * @param {import("./connection.mjs").Target} options.target
 * @param {import("./payloads.mjs").PayloadChoice} options.payload
 * @param {number} options.connections
 * @param {number} options.batch
 * @param {import("./window.mjs").Window} options.window
 * @param {number} pid
 */
export async function echo({ target, payload, connections, batch, window }, pid) {
  const opened = new Connections(target);
  await opened.open(connections);
  const message = echoFrame(payload, target);
  await verifyEcho(opened, message);
  const block = Buffer.concat(Array.from({ length: batch }, () => message.bytes));
  const timed = new Timed(pid, opened.failure);
  for (const connection of opened.all) keepGoing(connection, block, batch, timed);
  const figures = await timed.measure(window);
  const notes = notesOnCompression(opened.all, timed.messages, target);
  opened.cut();
  return { figures, notes };
}

/** Sends `block` whenever its `batch` messages have come back. */
export function keepGoing(connection, block, batch, timed) {
  const { socket } = connection;
  let awaited = batch;
  connection.count((messages) => {
    timed.messages += messages;
    awaited -= messages;
    if (awaited > 0) return;
    awaited += batch;
    socket.write(block);
  });
  socket.write(block);
}

/** @returns the frame that is sent, and what must come back */
export function echoFrame(choice, { compression }) {
  const payload = payloadOf(choice);
  const opcode = choice.kind === "binary" ? BINARY : TEXT;
  const isCompressed = compression === true;
  const sent = isCompressed ? deflated(payload) : payload;
  return { bytes: frame(opcode, sent, { isCompressed }), opcode, payload };
}

/** Wrong answers must not be timed: the first one of every connection is read. */
export async function verifyEcho(connections, { bytes, opcode, payload }) {
  stage.text = `reading the first echo of ${connections.all.length} connections`;
  await Promise.all(
    connections.all.map(async (connection) => {
      connection.socket.write(bytes);
      const found = await Promise.race([connection.next(), connections.failure]);
      const content = found.isCompressed ? inflated(found.payload) : found.payload;
      if (found.opcode !== opcode) throw new Error(`opcode ${found.opcode} came for ${opcode}`);
      if (!content.equals(payload)) {
        throw new Error(`a wrong echo: ${content.length} bytes for ${payload.length}`);
      }
    }),
  );
}

/** A message that should have been compressed and was not has another cost. */
export function notesOnCompression(connections, messages, { compression }) {
  if (!compression) return [];
  let compressed = 0;
  for (const connection of connections) compressed += connection.compressed;
  const share = compressed / messages;
  if (share > 0.99) return [];
  return [`only ${Math.round(share * 100)} % of its replies were compressed`];
}
