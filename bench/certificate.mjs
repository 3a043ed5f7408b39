import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NotSupported } from "./answering.mjs";

let made;

/** @returns a certificate for this run, as text and as files: some take only these */
export function certificate() {
  made ??= make();
  return made;
}

function make() {
  const folder = mkdtempSync(join(tmpdir(), "longwire-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const keyFile = join(folder, "key.pem");
  const certFile = join(folder, "cert.pem");
  const { error, status, stderr } = spawnSync(
    "openssl",
    // P-256, as most sites have; its handshakes are not what is measured.
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost
      -keyout ${keyFile} -out ${certFile}`.split(/\s+/),
    { encoding: "utf8" },
  );
  if (error !== undefined) throw new NotSupported("openssl is not installed");
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
  return {
    keyFile,
    certFile,
    key: readFileSync(keyFile, "utf8"),
    cert: readFileSync(certFile, "utf8"),
  };
}
