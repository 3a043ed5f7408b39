import { close, type Abuser } from "../abuser.ts";
import { HttpClient, postRequest } from "../http.ts";

/** Publishes values one after the other over one connection, which is closed then. */
export async function publishAll(
  abuser: Abuser,
  topic: string,
  bodies: Iterable<string>,
): Promise<void> {
  const client = await HttpClient.open(abuser);
  for (const body of bodies) {
    await client.ask(postRequest(abuser, topic, body));
  }
  await close(client.socket);
}

/** The body that sets a key to a value which is JSON already. */
export function setKey(key: string, json: string): string {
  return `{"key":"${key}","data":${json}}`;
}
