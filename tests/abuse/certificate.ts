import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

let made: { cert: string; key: string } | undefined;

/** The files of a certificate for 127.0.0.1, which go with the process. */
export function makeCertificate(): { cert: string; key: string } {
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), "longwire-abuse-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2";
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  const files = ["-keyout", key, "-out", cert];
  execFileSync("openssl", [...request.split(" "), ...subject, ...files], { stdio: "pipe" });
  made = { cert, key };
  return made;
}
