import { Connections } from "./connections.mjs";
import { echoFrame, verifyEcho } from "./echo.mjs";
import { latencyFigures } from "./percentile.mjs";
import { Timed } from "./window.mjs";

/**
 * Sends at a fixed rate, whether or not echoes come, and takes the time from when a message was
 * due: so a server that stops answering for a while cannot hide what was not sent meanwhile.
 *
 * @param {object} options
 * @param {number} options.rate messages a second, over all connections
 */
export async function latency({ target, payload, connections, rate, window }, pid) {
  const opened = new Connections(target);
  await opened.open(connections);
  const message = echoFrame(payload, target);
  await verifyEcho(opened, message);
  const timed = new Timed(pid, opened.failure);
  const times = [];
  let isMeasured = false;
  const senders = opened.all.map((connection) => {
    const due = [];
    let next = 0;
    connection.count((messages) => {
      timed.messages += messages;
      const now = performance.now();
      for (let left = messages; left > 0; left -= 1) {
        const millis = now - due[next];
        due[next] = undefined;
        next += 1;
        if (isMeasured) times.push(millis);
      }
    });
    return (at) => {
      due.push(at);
      connection.socket.write(message.bytes);
    };
  });
  const stop = sendAtRate(senders, rate);
  await timed.measure({ ...window, measureMs: 10 });
  isMeasured = true;
  const { cpuMicros, perSecond, rssMib, waited } = await timed.lap(window.measureMs);
  stop();
  opened.cut();
  return { figures: { ...latencyFigures(times), cpuMicros, perSecond, rssMib, waited } };
}

/** Looks at the clock in every turn of the event loop: a timer would be a millisecond late. */
function sendAtRate(senders, rate) {
  const started = performance.now();
  let sent = 0;
  let isStopped = false;
  const turn = () => {
    if (isStopped) return;
    const due = ((performance.now() - started) * rate) / 1000;
    while (sent < due) {
      senders[sent % senders.length](started + (sent * 1000) / rate);
      sent += 1;
    }
    setImmediate(turn);
  };
  turn();
  return () => {
    isStopped = true;
  };
}
