import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Certificate {
  cert: Buffer;
  key: Buffer;
}

let made: Certificate | undefined;

/** Returns a certificate for 127.0.0.1, created once for all tests of a file. */
export function certificate(): Certificate {
  return (made ??= make());
}

function make(): Certificate {
  const folder = mkdtempSync(join(tmpdir(), "longwire-conformance-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", cert];
  try {
    execFileSync("openssl", [...request.split(" "), ...subject, ...files], { stdio: "pipe" });
    return { cert: readFileSync(cert), key: readFileSync(key) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
