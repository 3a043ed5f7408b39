import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { RunningProgram } from "../rigs/processes/running-program.ts";
import { bytes, maskedFrame } from "../rigs/protocol/masked-frame.ts";
import type { Dialled } from "./carriers/carrier.ts";
import { certificate } from "./carriers/certificate.ts";
import { dialHttp2, openSession } from "./carriers/server-over-http2.ts";
import { dialTcp } from "./carriers/server-over-tcp.ts";
import { dialTls } from "./carriers/server-over-tls.ts";
import { binary, close, hex, ping, text } from "./frames.ts";
import { FuzzingServer, type FuzzingCase } from "./fuzzing-server.ts";

afterAll(() => RunningProgram.endAll());

/** Starts one of the conformance scripts as a separate process. */
function script(name: "client" | "server", ...args: string[]): RunningProgram {
  return new RunningProgram(process.execPath, [`scripts/conformance-${name}.mjs`, ...args]);
}

const UNTRUSTED = { rejectUnauthorized: false };

describe("npm run conformance:client", () => {
  const cases: readonly FuzzingCase[] = [
    { sends: [text("Hello")], awaits: 1 },
    { sends: [binary(bytes(70_000)), ping("p"), text("€")], awaits: 3 },
    { sends: [text(hex("48ff"))], awaits: 1 },
    { sends: [text("a", { fin: false }), close(3000, "enough")], awaits: 1 },
    { sends: [text("last")], awaits: 1 },
  ];
  const answered = {
    1: ["1 48656c6c6f"],
    2: ["10 70", `2 ${Buffer.from(bytes(70_000)).toString("hex")}`, "1 e282ac"],
    3: ["8 03ef"],
    4: [`8 0bb8${Buffer.from("enough").toString("hex")}`],
    5: ["1 6c617374"],
  };

  test.each([
    ["ws:", undefined],
    ["wss: with any certificate", certificate()],
  ])("runs all cases and requests the report, over %s", async (_, tls) => {
    const suite = await FuzzingServer.start({ cases, ...(tls && { tls }) });
    const client = script("client", suite.url, "an agent/1");
    expect(await client.exited).toBe(0);
    const agent = "agent=an%20agent%2F1";
    expect(suite.targets).toEqual([
      "/getCaseCount",
      ...[1, 2, 3, 4, 5].map((number) => `/runCase?case=${number}&${agent}`),
      `/updateReports?${agent}`,
    ]);
    // A pong may overtake a message that is still being answered.
    const seen = [...suite.answers].map(([number, all]) => [number, all.toSorted()]);
    const wanted = Object.entries(answered).map(([number, all]) => [number, all.toSorted()]);
    expect(seen).toEqual(wanted);
    expect(client.stdout).toBe("5 cases run as an agent/1; the server has the report.\n");
  });

  test("uses the name longwire by default", async () => {
    const suite = await FuzzingServer.start({ cases: [] });
    expect(await script("client", suite.url).exited).toBe(0);
    expect(suite.targets).toEqual(["/getCaseCount", "/updateReports?agent=longwire"]);
  });

  test("exits with 1 if the count is not a number", async () => {
    const suite = await FuzzingServer.start({ cases, count: "many" });
    const client = script("client", suite.url);
    expect(await client.exited).toBe(1);
    expect(client.stderr).toContain("many");
    expect(suite.targets).toEqual(["/getCaseCount"]);
  });

  test("exits with 2 without a server's URL", async () => {
    expect(await script("client", "http://127.0.0.1/").exited).toBe(2);
    expect(await script("client").exited).toBe(2);
  });
});

describe("npm run conformance:server", () => {
  async function start(...args: string[]): Promise<{ server: RunningProgram; port: number }> {
    const server = script("server", "--port", "0", ...args);
    const [, url] = await server.says(/^(wss?:\/\/127\.0\.0\.1:\d+)$/m);
    expect(new URL(url!).protocol).toBe(args.includes("--tls") ? "wss:" : "ws:");
    return { server, port: Number(new URL(url!).port) };
  }

  async function echoes({ pipe }: Dialled): Promise<void> {
    pipe.write(maskedFrame(text("Hello")));
    pipe.write(maskedFrame(binary(bytes(70_000))));
    const [words, octets] = await pipe.frames(2);
    expect(words).toMatchObject({ opcode: 1, payload: text("Hello").payload });
    expect(Buffer.compare(octets!.payload, bytes(70_000))).toBe(0);
  }

  /** The server closes its clients with 1001, and exits with 0. */
  async function drains(server: RunningProgram, dialled: readonly Dialled[]): Promise<void> {
    const exit = server.stop();
    for (const { pipe } of dialled) {
      const [goodbye] = await pipe.frames(1);
      expect(goodbye).toMatchObject({ opcode: 8, payload: close(1001).payload });
      pipe.write(maskedFrame(close(1001)));
      await pipe.ended();
      pipe.end();
    }
    expect(await exit).toBe(0);
  }

  test("answers over ws: and drains on SIGTERM", async () => {
    const { server, port } = await start();
    const dialled = await dialTcp(port);
    await echoes(dialled);
    await drains(server, [dialled]);
  });

  test("--tls answers over wss: and over HTTP/2, and drains on SIGTERM", async () => {
    const { server, port } = await start("--tls");
    const session = await openSession(port, UNTRUSTED);
    onTestFinished(() => session.destroy());
    const all = [await dialTls(port, UNTRUSTED), await dialHttp2(session)];
    for (const dialled of all) await echoes(dialled);
    await drains(server, all);
  });

  test("has the requested compression, and by default", async () => {
    const { server, port } = await start();
    const dialled = await dialTcp(port, "permessage-deflate; client_max_window_bits");
    expect(dialled.extensions).toMatch(/^permessage-deflate/);
    dialled.pipe.write(maskedFrame(text("a".repeat(1024))));
    expect((await dialled.pipe.frames(1))[0]).toMatchObject({ opcode: 1, reservedBits: 0x40 });
    await drains(server, [dialled]);
  });

  test("exits with 0 on SIGTERM even without clients", async () => {
    const { server } = await start();
    expect(await server.stop()).toBe(0);
  });

  test("exits with 1 if the port is in use, and with 2 if it is invalid", async () => {
    const { port } = await start();
    const other = script("server", "--port", String(port));
    expect(await other.exited).toBe(1);
    expect(other.stderr).toMatch(/in use/);
    expect(await script("server", "--port", "70000").exited).toBe(2);
  });
});
