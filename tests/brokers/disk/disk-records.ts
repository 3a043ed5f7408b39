import { ClassicLevel } from "classic-level";

/** Looks at a store that nobody has open, as any tool for LevelDB would. */
export async function withRecords<Outcome>(
  folder: string,
  look: (level: ClassicLevel) => Promise<Outcome>,
): Promise<Outcome> {
  const level = new ClassicLevel(folder);
  await level.open();
  try {
    return await look(level);
  } finally {
    await level.close();
  }
}

/** How many records there are of each sort, by the first word of their keys. */
export function countRecords(folder: string): Promise<Record<string, number>> {
  return withRecords(folder, async (level) => {
    const counts: Record<string, number> = {};
    for (const key of await level.keys().all()) {
      const [sort] = key.split(" ") as [string];
      counts[sort] = (counts[sort] ?? 0) + 1;
    }
    return counts;
  });
}
