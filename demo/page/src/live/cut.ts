/**
 * Asks the server to tear this browser's connections, without a close frame.
 *
 * @returns false when the server says that it offers no such thing
 */
export async function cutNetwork(seconds: number): Promise<boolean> {
  try {
    const response = await fetch("/demo/cut", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ seconds }),
    });
    return response.ok;
  } catch {
    // The answer may have been on one of the connections that were cut.
    return true;
  }
}
