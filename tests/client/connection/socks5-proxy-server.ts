import { createServer, type AddressInfo, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { joinTo, type RunningProxy } from "./http-proxy-server.ts";

interface Socks5Options {
  /** The credentials it accepts; default: no authentication. */
  user?: { username: string; password: string };
  /** Replies to send instead, one for each message received. */
  answers?: readonly (readonly number[])[];
}

/** Starts a SOCKS5 proxy that resolves every name to this machine. (RFC 1928, RFC 1929) */
export async function runSocks5Proxy(options: Socks5Options = {}): Promise<RunningProxy> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    void serve(socket, options, requests).then(
      (onward) => onward && sockets.add(onward),
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `socks5h://127.0.0.1:${port}`, port, requests };
}

async function serve(
  socket: Socket,
  { user, answers }: Socks5Options,
  requests: string[],
): Promise<Socket | undefined> {
  const [, count] = await take(socket, 2);
  const methods = await take(socket, count!);
  requests.push(`methods ${[...methods].join(" ")}`);
  for (const answer of answers ?? []) {
    socket.write(Buffer.from(answer));
    await new Promise((resolve) => socket.once("readable", resolve));
    while (socket.read() !== null);
  }
  if (answers !== undefined) return undefined;
  socket.write(Buffer.from([5, user ? 2 : 0]));
  if (user) {
    const [, nameLength] = await take(socket, 2);
    const name = (await take(socket, nameLength!)).toString();
    const password = (await take(socket, (await take(socket, 1))[0]!)).toString();
    const isRight = name === user.username && password === user.password;
    socket.write(Buffer.from([1, isRight ? 0 : 1]));
    if (!isRight) return undefined;
  }
  const [, , , type] = await take(socket, 4);
  const size = type === 1 ? 4 : type === 4 ? 16 : (await take(socket, 1))[0]!;
  const address = await take(socket, size);
  const port = (await take(socket, 2)).readUInt16BE();
  requests.push(type === 3 ? `name ${address.toString()}` : `address ${[...address].join(".")}`);
  // The proxy's own address is sent as a name, whose length varies.
  const reply = Buffer.concat([Buffer.from([5, 0, 0, 3, 4]), Buffer.from("here"), Buffer.alloc(2)]);
  return joinTo(socket, port, reply);
}

async function take(socket: Socket, size: number): Promise<Buffer> {
  if (size === 0) return Buffer.alloc(0);
  for (;;) {
    const bytes = socket.read(size) as Buffer | null;
    if (bytes !== null) return bytes;
    await new Promise((resolve, reject) => {
      socket.once("readable", resolve);
      socket.once("close", () => reject(new Error("It left.")));
    });
  }
}
