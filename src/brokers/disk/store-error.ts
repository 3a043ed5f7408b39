import { LongwireError } from "../../base/index.ts";

/** What LevelDB says, and what to do about it: the first that fits. */
const CASES: readonly [code: string, seen: RegExp, whatToDo: string][] = [
  ["store_in_use", /LEVEL_LOCKED/, "is used by another process; stop that, or give another folder"],
  ["disk_full", /No space left|File too large|quota exceeded/i, "has no room left; make some"],
  [
    "store_not_writable",
    /Permission denied|Read-only|Not a directory|EACCES|EPERM|EROFS|ENOTDIR|EEXIST/,
    "cannot be written to; give a folder that this user may write to",
  ],
  [
    "store_corrupt",
    /LEVEL_CORRUPTION|Corruption|SyntaxError|does not exist \(create_if_missing|MANIFEST-\d+: No such file/,
    "holds a damaged store; put back a copy of it, or move it away to start empty",
  ],
];

/** What has gone wrong with the store in `folder`, in a line. */
export function storeError(folder: string, cause: unknown): LongwireError {
  if (cause instanceof LongwireError) return cause;
  const innermost = innermostOf(cause);
  const reason = `${innermost.code ?? innermost.name}: ${innermost.message}`;
  const found = CASES.find(([, seen]) => seen.test(reason));
  const [code, , whatToDo] = found ?? ["store_failed", undefined, "cannot be used"];
  // One line, whatever the cause has.
  const line = innermost.message.replaceAll(/\s+/g, " ").slice(0, 300);
  return new LongwireError(code, `The folder ${folder} ${whatToDo} (${line}).`, { cause });
}

/** LevelDB's own words are wrapped in those of the package. */
function innermostOf(cause: unknown): Error & { code?: string } {
  let error = cause as Error & { code?: string };
  while (error.cause instanceof Error) error = error.cause;
  return error;
}
