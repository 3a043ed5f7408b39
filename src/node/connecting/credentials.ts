import { LongwireError } from "../../base/index.ts";

/** A user name and password, as bytes: UTF-8 unless the URL encodes other bytes. */
export interface Credentials {
  username: Buffer;
  password: Buffer;
}

/**
 * Returns the credentials of a URL, percent-decoded.
 *
 * @param whose names the URL in errors, which must not contain it
 * @throws LongwireError `invalid_credentials`
 */
export function credentialsOf(url: URL, whose: string): Credentials | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const username = percentDecoded(url.username);
  const password = percentDecoded(url.password);
  // (RFC 7617 §2)
  if (username.some(isControl) || password.some(isControl)) {
    throw invalid(`The user name or password of ${whose} contains a control character; remove it.`);
  }
  return { username, password };
}

/**
 * Returns the value of an `Authorization` header for the credentials. (RFC 7617 §2)
 *
 * @throws LongwireError `invalid_credentials`
 */
export function basicAuthorization({ username, password }: Credentials, whose: string): string {
  if (username.includes(":")) {
    throw invalid(
      `The user name of ${whose} contains a colon, which Basic authentication does not support.`,
    );
  }
  const bytes = Buffer.concat([username, Buffer.from(":"), password]);
  return `Basic ${bytes.toString("base64")}`;
}

/** The URL parser leaves only ASCII, and a `%` that is not followed by two digits unchanged. */
function percentDecoded(text: string): Buffer {
  const decoded = text.replaceAll(/%([\dA-Fa-f]{2})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(decoded, "latin1");
}

function isControl(byte: number): boolean {
  return byte < 0x20 || byte === 0x7f;
}

function invalid(message: string): LongwireError {
  return new LongwireError("invalid_credentials", message);
}
