import type { ConnectionInfo } from "longwire/live";

/** A connection, as `$connections` shows it under its name. */
export interface ShownConnection extends ConnectionInfo {
  readonly key: string;
}

const VISITOR = "visitor:";

/** Whether it is a visitor's, such as a page's, and not a device's. */
export function isVisitor({ identity = VISITOR }: Pick<ConnectionInfo, "identity">): boolean {
  return identity.startsWith(VISITOR);
}

/** Returns the connections by name, visitors last, or those that are furthest behind first. */
export function rowsOf(entries: ReadonlyMap<string, ConnectionInfo>): ShownConnection[] {
  return [...entries]
    .map(([key, info]) => ({ ...info, key }))
    .sort(
      (a, b) =>
        b.unreadBytes - a.unreadBytes ||
        Number(isVisitor(a)) - Number(isVisitor(b)) ||
        names.compare(a.identity ?? "", b.identity ?? "") ||
        a.since - b.since,
    );
}

const names = new Intl.Collator("en", { numeric: true });
