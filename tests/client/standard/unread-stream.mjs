// Opens a stream, which is the only thing that keeps the process alive, and prints the result.
import { WebSocketStream } from "../../../dist/client/index.js";

const stream = new WebSocketStream(process.argv[2]);
const { readable } = await stream.opened;
console.log("open");

// This timer does not keep the process alive, so it fires only if something else does.
setTimeout(() => void readAndClose(), 300).unref();

async function readAndClose() {
  console.log("alive");
  const reader = readable.getReader();
  for (let read = 0; read < 3; read += 1) console.log((await reader.read()).value[0]);
  await reader.cancel();
  await stream.closed;
  console.log("closed");
}
