/** Returns the URL of a path on this page's own server; wss: if the page was loaded over https:. */
export function socketUrl(path: string): string {
  return `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}${path}`;
}
