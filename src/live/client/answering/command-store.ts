/** The commands that a client has begun, for a memory that outlives the program. */
export interface CommandRecord {
  /** Names the run; the server compares it. */
  readonly run: string;
  /** The last commands, and their answers; `null` while at work. */
  readonly commands: readonly (readonly [key: string, answer: string | null])[];
}

/** Stores the commands that a client has begun. It belongs to one client at a time. */
export interface CommandStore {
  /** Returns what was saved last; `undefined` at first. */
  load(): CommandRecord | undefined | Promise<CommandRecord | undefined>;
  /** A command is begun, and answered, when this is done. */
  save(record: CommandRecord): void | Promise<void>;
}
