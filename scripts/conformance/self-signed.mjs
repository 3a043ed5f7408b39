import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installPrograms } from "../system-programs.mjs";

/** Makes a certificate for this machine's own names, which nobody need trust. */
export function selfSigned() {
  installPrograms(["openssl"]);
  const folder = mkdtempSync(join(tmpdir(), "longwire-conformance-"));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30";
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1";
  const subject = ["-subj", "/CN=localhost", "-addext", names];
  try {
    const args = [...request.split(" "), ...subject, "-keyout", key, "-out", cert];
    execFileSync("openssl", args, { stdio: "pipe" });
    return { cert: readFileSync(cert), key: readFileSync(key) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
