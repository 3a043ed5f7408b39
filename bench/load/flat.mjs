import { Connections } from "./connections.mjs";
import { echoFrame, keepGoing, verifyEcho } from "./echo.mjs";
import { Timed } from "./window.mjs";

/**
 * Echoes of the same connections while ever more others are open; at last of all of them in turn,
 * with as many in flight, which makes processor and kernel fetch what they know of each.
 *
 * @param {object} options
 * @param {number[]} options.counts how many connections, ascending
 * @param {number} options.inFlight
 */
export async function flatConnections({ target, payload, counts, inFlight, window }, pid) {
  const opened = new Connections(target);
  const message = echoFrame(payload, target);
  const figures = { waited: 0 };
  const cpuOf = async (connections) => {
    const timed = new Timed(pid, opened.failure);
    const stop = goRound(connections, message.bytes, { inFlight, timed });
    const { cpuMicros, waited } = await timed.measure(window);
    figures.waited = Math.max(figures.waited, waited);
    await stop();
    return cpuMicros;
  };
  for (const count of counts) {
    const added = await opened.open(count - opened.all.length);
    await verifyEcho({ all: added, failure: opened.failure }, message);
    figures[`at${count}`] = await cpuOf(opened.all.slice(0, inFlight));
  }
  figures.round = await cpuOf(opened.all);
  opened.cut();
  figures.growth = figures[`at${counts.at(-1)}`] / figures[`at${counts[0]}`];
  return { figures };
}

/** @returns what stops it, and resolves when nothing is in flight any more */
function goRound(connections, bytes, { inFlight, timed }) {
  let next = 0;
  let awaited = 0;
  let stopped;
  const send = () => {
    connections[next].socket.write(bytes);
    next = (next + 1) % connections.length;
    awaited += 1;
  };
  for (const connection of connections) {
    connection.count((messages) => {
      timed.messages += messages;
      awaited -= messages;
      if (stopped === undefined) for (let left = messages; left > 0; left -= 1) send();
      else if (awaited === 0) stopped();
    });
  }
  for (let left = inFlight; left > 0; left -= 1) send();
  return () =>
    new Promise((resolve) => {
      stopped = resolve;
    });
}

/** A long run, in parts: its last must cost what its first did. */
export async function flatMessages({ target, payload, connections, batch, parts, window }, pid) {
  const opened = new Connections(target);
  await opened.open(connections);
  const message = echoFrame(payload, target);
  await verifyEcho(opened, message);
  const block = Buffer.concat(Array.from({ length: batch }, () => message.bytes));
  const timed = new Timed(pid, opened.failure);
  for (const connection of opened.all) keepGoing(connection, block, batch, timed);
  const first = await timed.measure(window);
  let last = first;
  for (let part = 1; part < parts; part += 1) last = await timed.lap(window.measureMs);
  const { messages } = timed;
  opened.cut();
  return {
    figures: {
      first: first.cpuMicros,
      last: last.cpuMicros,
      growth: last.cpuMicros / first.cpuMicros,
      messages,
      waited: Math.max(first.waited, last.waited),
      rssFirst: first.rssMib,
      rssLast: last.rssMib,
    },
  };
}
