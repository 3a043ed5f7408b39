// Opens a stream, lets nothing but it keep the process alive, and says how it went.
import { WebSocketStream } from "../../dist/client/index.js";

const stream = new WebSocketStream(process.argv[2]);
const { readable } = await stream.opened;
console.log("open");

// A timer that does not keep the process alive fires only if something else does.
setTimeout(() => void readAndClose(), 300).unref();

async function readAndClose() {
  console.log("alive");
  const reader = readable.getReader();
  for (let read = 0; read < 3; read += 1) console.log((await reader.read()).value[0]);
  await reader.cancel();
  await stream.closed;
  console.log("closed");
}
