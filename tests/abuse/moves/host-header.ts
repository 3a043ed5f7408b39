import type { World } from "../row.ts";

const REFUSALS = [400, 403, 421];

/** A page of another name that points at this machine (DNS rebinding) is refused. */
export async function foreignHost({ bystander }: World): Promise<string | undefined> {
  const headers = { Host: "evil.example" };
  const { status } = await bystander.get("/live/state", { headers });
  return REFUSALS.includes(status)
    ? undefined
    : `a request with Host: evil.example got ${status}, and is to be refused`;
}
