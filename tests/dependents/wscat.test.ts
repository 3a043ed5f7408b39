import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:http";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { home, listening, load, type Untyped } from "./dependents.ts";

const { WebSocketServer } = load("ws");

function wscat(...options: string[]): ChildProcess {
  const program = join(home, "node_modules/wscat/bin/wscat");
  const child = spawn(process.execPath, [program, ...options]);
  onTestFinished(() => void child.kill());
  return child;
}

async function output(child: ChildProcess): Promise<string> {
  let text = "";
  for await (const chunk of child.stdout!) text += chunk;
  return text;
}

describe("wscat", () => {
  test("sends its input and prints the reply", async () => {
    const http = createServer();
    new WebSocketServer({ server: http }).on("connection", (socket: Untyped, request: Untyped) => {
      const { authorization } = request.headers;
      socket.on("message", (data: Buffer) => socket.send(`${String(data)} by ${authorization}`));
    });
    const port = await listening(http);
    const child = wscat(
      "-c",
      `ws://127.0.0.1:${port}`,
      "--auth",
      "ada:x",
      "-x",
      "hello",
      "-w",
      "1",
    );
    expect(await output(child)).toContain(`hello by Basic ${btoa("ada:x")}`);
  });
});
