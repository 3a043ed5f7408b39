import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openWebSocket } from "../../../src/client/index.ts";
import { makeCertificate } from "../../rigs/processes/tls-certificate.ts";
import { echo, runServer } from "../../rigs/sockets/run-server.ts";
import { failureOf } from "./failure-of.ts";
import { HeldServer } from "../../rigs/sockets/held-server.ts";

test.each<[string, (port: number, ca: Buffer) => [url: string, tls: object], RegExp]>([
  ["an untrusted authority", (port) => [`wss://127.0.0.1:${port}`, {}], /tls\.ca \(--ca\)\.$/],
  [
    "a name that is not in the certificate",
    (port, ca) => [`wss://localhost:${port}`, { ca }],
    /a name that is in the certificate, or set tls\.servername to one\.$/,
  ],
])("%s is reported in one line, with fitting advice", async (_, made, advice) => {
  const files = makeCertificate();
  const server = await HeldServer.start(files);
  const [url, tls] = made(server.port, readFileSync(files.cert));
  const error = await failureOf(openWebSocket(url, { tls }));
  expect(error.code).toBe("tls_failed");
  expect(error.message).toMatch(advice);
  expect(error.message).not.toContain("\n");
});

test("a server without TLS is reported as such", async () => {
  const { port } = await runServer(echo);
  const error = await failureOf(openWebSocket(`wss://127.0.0.1:${port}`));
  expect(error.message).toMatch(/does not use TLS on this port; use ws: or its TLS port\.$/);
  expect(error.message).not.toContain("\n");
});
