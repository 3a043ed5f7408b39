import { LongwireError } from "../../base/index.ts";

/** LevelDB's messages, with advice; the first match counts. */
const CASES: readonly [code: string, seen: RegExp, whatToDo: string][] = [
  [
    "store_in_use",
    /LEVEL_LOCKED/,
    "is used by another process; stop that process, or use another folder",
  ],
  ["disk_full", /No space left|File too large|quota exceeded/i, "has no space left; free some"],
  [
    "store_not_writable",
    /Permission denied|Read-only|Not a directory|EACCES|EPERM|EROFS|ENOTDIR|EEXIST/,
    "is not writable; use a folder that this user may write to",
  ],
  [
    "store_corrupt",
    /LEVEL_CORRUPTION|Corruption|SyntaxError|does not exist \(create_if_missing|MANIFEST-\d+: No such file/,
    "contains a damaged store; restore a backup, or move the folder away to start empty",
  ],
];

/** Describes a failure of the store in `folder` on one line. */
export function storeError(folder: string, cause: unknown): LongwireError {
  if (cause instanceof LongwireError) return cause;
  const innermost = innermostOf(cause);
  const reason = `${innermost.code ?? innermost.name}: ${innermost.message}`;
  const found = CASES.find(([, seen]) => seen.test(reason));
  const [code, , whatToDo] = found ?? ["store_failed", undefined, "cannot be used"];
  // On one line, whatever the cause contains.
  const line = innermost.message.replaceAll(/\s+/g, " ").slice(0, 300);
  return new LongwireError(code, `The folder ${folder} ${whatToDo} (${line}).`, { cause });
}

/** LevelDB's error is the innermost cause of the package's error. */
function innermostOf(cause: unknown): Error & { code?: string } {
  let error = cause as Error & { code?: string };
  while (error.cause instanceof Error) error = error.cause;
  return error;
}
