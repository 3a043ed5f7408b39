/**
 * Asks the server to abort this browser's connections, without a close frame.
 *
 * @returns false if the server does not support that
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
    // The answer may have been sent on one of the aborted connections.
    return true;
  }
}
