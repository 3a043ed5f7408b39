import { LongwireError } from "../../base/index.ts";

/** A user's name and password, as bytes of UTF-8 unless the URL has other bytes. */
export interface Credentials {
  username: Buffer;
  password: Buffer;
}

/**
 * Returns what stands before the `@` of a URL, percent-decoded.
 *
 * @param whose names the URL in errors, which must not show it
 * @throws LongwireError `invalid_credentials`
 */
export function credentialsOf(url: URL, whose: string): Credentials | undefined {
  if (url.username === "" && url.password === "") return undefined;
  const username = percentDecoded(url.username);
  const password = percentDecoded(url.password);
  // (RFC 7617 §2)
  if (username.some(isControl) || password.some(isControl)) {
    throw invalid(`The user name or password of ${whose} has a control character; leave it out.`);
  }
  return { username, password };
}

/**
 * Returns the value of an `Authorization` header for them. (RFC 7617 §2)
 *
 * @throws LongwireError `invalid_credentials`
 */
export function basicAuthorization({ username, password }: Credentials, whose: string): string {
  if (username.includes(":")) {
    throw invalid(
      `The user name of ${whose} has a colon, which Basic authentication cannot carry.`,
    );
  }
  const bytes = Buffer.concat([username, Buffer.from(":"), password]);
  return `Basic ${bytes.toString("base64")}`;
}

/** The URL parser leaves nothing but ASCII, and a `%` without two digits as it is. */
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
