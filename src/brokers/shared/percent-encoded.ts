/** Whether the credentials of a URL can be decoded: a percent sign has two digits behind it. */
export function isEncoded({ username, password }: URL): boolean {
  try {
    decodeURIComponent(username);
    decodeURIComponent(password);
    return true;
  } catch {
    return false;
  }
}
