import { Connections } from "./connections.mjs";
import { notesOnCompression } from "./echo.mjs";
import { inflated } from "./frame-reader.mjs";
import { stage } from "./stage.mjs";
import { Timed } from "./window.mjs";

/**
 * Has the server publish `burst` messages at once whenever all subscribers got those before.
 *
 * @param {object} options
 * @param {import("./connection.mjs").Target} options.target
 * @param {number} options.subscribers
 * @param {number} options.burst
 * @param {string} options.text
 * @param {import("./window.mjs").Window} options.window
 * @param {number} pid
 */
export async function broadcast({ target, subscribers, burst, text, window }, pid) {
  const opened = new Connections(target);
  const listening = await opened.open(subscribers);
  const [control] = await opened.open(1, { path: "/control", compression: false });
  control.sendText(String(burst));
  await Promise.race([verifyBroadcast(listening, burst, text), opened.failure]);

  const timed = new Timed(pid, opened.failure);
  let awaited = 0;
  const publish = () => {
    awaited += subscribers * burst;
    control.sendText(String(burst));
  };
  for (const connection of listening) {
    connection.count((messages) => {
      timed.messages += messages;
      awaited -= messages;
      if (awaited === 0) publish();
    });
  }
  publish();
  const figures = await timed.measure(window);
  const notes = notesOnCompression(listening, timed.messages, target);
  opened.cut();
  return { figures, notes };
}

async function verifyBroadcast(listening, burst, text) {
  stage.text = `reading the first messages of ${listening.length} subscribers`;
  const expected = Buffer.from(text);
  await Promise.all(
    listening.map(async (connection) => {
      for (let seen = 0; seen < burst; seen += 1) {
        const { payload, isCompressed } = await connection.next();
        // Only the first of a connection can be inflated without those before.
        if (isCompressed && seen > 0) continue;
        const content = isCompressed ? inflated(payload) : payload;
        if (!content.equals(expected)) throw new Error(`a wrong message: ${content.length} bytes`);
      }
    }),
  );
}
