/** Waits for some turns of the event loop, so that pending events arrive. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Resolves once `isMet` holds; checked in every turn of the event loop. */
export async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await turns(1);
}
