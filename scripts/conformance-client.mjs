import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { install } from "./install.mjs";

const HELP = `npm run conformance:client -- ws://HOST:PORT [agent]

Runs the client with its defaults through all cases of a suite that serves them as the
Autobahn|Testsuite's fuzzing server does: it asks /getCaseCount, answers every message of each
/runCase?case=N&agent=X with itself, and asks for the report by /updateReports?agent=X.

The agent's name in the report is longwire unless it is given. Of a wss: server any certificate is
taken.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean", short: "h", default: false } },
});
const [given, agent = "longwire"] = positionals;

if (values.help) {
  console.log(HELP);
  process.exit(0);
}
if (given === undefined || !URL.canParse(given) || !/^wss?:$/.test(new URL(given).protocol)) {
  console.error(`The server is ${given ?? "missing"}; give it as ws://HOST:PORT.`);
  process.exit(2);
}

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
install();
build();
const { openWebSocket, WebSocket } = await import("../dist/client/index.js");

/** Resolves with the messages that came until the connection closed. */
function talk(path, answer) {
  const url = new URL(path, given);
  const isTls = url.protocol === "wss:";
  const socket = isTls
    ? openWebSocket(url, { tls: { rejectUnauthorized: false } })
    : new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const messages = [];
  return new Promise((resolve, reject) => {
    let hasOpened = false;
    let failure;
    socket.onopen = () => (hasOpened = true);
    socket.onmessage = ({ data }) => {
      if (answer) socket.send(data);
      else messages.push(data);
    };
    socket.onerror = ({ message }) => (failure = message);
    socket.onclose = () => (hasOpened ? resolve(messages) : reject(new Error(failure)));
  });
}

try {
  const [text] = await talk("/getCaseCount", false);
  const count = Number(text);
  if (!Number.isSafeInteger(count)) throw new Error(`/getCaseCount said ${text}, not a number.`);
  const name = encodeURIComponent(agent);
  for (let number = 1; number <= count; number += 1) {
    process.stderr.write(`\rcase ${number} of ${count} `);
    // One case that fails to open is the report's to tell; the others still run.
    await talk(`/runCase?case=${number}&agent=${name}`, true).catch(({ message }) =>
      process.stderr.write(`${message}\n`),
    );
  }
  process.stderr.write("\n");
  await talk(`/updateReports?agent=${name}`, false);
  console.log(`${count} cases run as ${agent}; the server has the report.`);
} catch (error) {
  console.error(`longwire: ${error.message}`);
  process.exitCode = 1;
}
