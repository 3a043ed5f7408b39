import { readFileSync } from "node:fs";
import { afterAll, expect, test } from "vitest";
import { echo, runServer } from "../rigs/sockets/run-server.ts";
import { runLongwire, RunningProgram } from "../rigs/processes/running-program.ts";
import { makeCertificate } from "../rigs/processes/tls-certificate.ts";

afterAll(() => RunningProgram.endAll());

test("longwire connect trusts --ca FILE, and any certificate with --insecure", async () => {
  const { cert, key } = makeCertificate();
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  const { url } = await runServer(echo, { listen: { tls } });
  const untrusted = await runLongwire(["connect", url], "hi\n");
  expect(await untrusted.exited).toBe(1);
  expect(untrusted.stderr).toContain("(--ca)");
  for (const trust of [["--ca", cert], ["--insecure"]]) {
    const program = await runLongwire(["connect", url, ...trust], "hi\n");
    expect(program.stdout).toBe("hi\n");
  }
  const unreadable = await runLongwire(["connect", url, "--ca", `${cert}.not`], "hi\n");
  expect(await unreadable.exited).toBe(1);
  expect(unreadable.stderr).toMatch(/^longwire: [^\n]*give --ca a PEM file\.\n$/);
}, 60_000);
