/**
 * Whether a URL's credentials can be decoded, that is, every percent sign is followed by two
 * digits.
 */
export function isEncoded({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username);
    decodeURIComponent(password);
    return true;
  } catch {
    return false;
  }
}
