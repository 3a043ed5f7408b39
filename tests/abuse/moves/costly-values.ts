import type { Abuser } from "../abuser.ts";
import { emptyArrays, manyFields, MEGABYTE, nestedObjects } from "../filler.ts";
import { HttpClient, requestHead } from "../http.ts";
import { publishAll, setKey } from "./publish-large.ts";

const KEYS = 100;
const READERS = 10;

/** Values that are 1 MB of text and many times that when they are parsed. */
export const arrays = valuesOf(() => emptyArrays(MEGABYTE));
export const nested = valuesOf(() => nestedObjects(MEGABYTE));
export const fields = valuesOf((key) => manyFields(MEGABYTE, key));

/** Sets keys to costly values, and reads them with params, which look into each of them. */
function valuesOf(value: (key: number) => string): (abuser: Abuser) => Promise<void> {
  return async (abuser) => {
    const bodies = Array.from({ length: KEYS }, (_, key) => () => setKey(`k${key}`, value(key)));
    await publishAll(
      abuser,
      "state",
      (function* () {
        for (const body of bodies) yield body();
      })(),
    ).catch(() => {});
    await abuser.crowd(READERS, async (at) => {
      const client = await HttpClient.open(abuser);
      for (let asked = 0; !abuser.isOver; asked += 1) {
        await client.ask(requestHead(abuser, `GET /live/state?a=${at}.${asked}`));
      }
      client.socket.destroy();
    });
  };
}
