/** So many clients are asked at a time. */
export const ASKED_AT_ONCE = 256;

/** Asks each client, 256 at a time. @throws what `ask` rejects with first, as a rejection */
export async function askEach<Client>(
  clients: readonly Client[],
  ask: (client: Client) => Promise<void>,
): Promise<void> {
  const waiting = clients.values();
  // Each lane takes the next client when its last one has answered.
  const lane = async (): Promise<void> => {
    for (const client of waiting) await ask(client);
  };
  await Promise.all(Array.from({ length: Math.min(ASKED_AT_ONCE, clients.length) }, lane));
}
