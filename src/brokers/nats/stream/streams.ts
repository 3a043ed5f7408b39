import { defaultRetention, type TopicDeclaration } from "../../../topics/index.ts";
import type { JetStream, StreamConfig, StreamInfo } from "../link/jetstream.ts";
import { MAKING_MS, NEW_MS, RENEWALS_MS, SPARE_EVENTS } from "../limits.ts";
import { sharedNames, type TopicNames } from "../topic/names.ts";

/** Where streams are stored. */
export interface Placement {
  readonly storage: "file" | "memory";
  /** Undefined: one for new streams, and existing ones stay unchanged. */
  readonly replicas: number | undefined;
}

const NS_PER_MS = 1_000_000;
/** The shortest window that NATS accepts. */
const LEAST_WINDOW_NS: number = 100 * NS_PER_MS;
/** About three years; NATS counts nanoseconds and does not support much more. */
const LONGEST_MS = 1e11;

export function topicStream(
  { kind, retention }: TopicDeclaration,
  { stream, subject }: TopicNames,
  { placement, windowMs }: { placement: Placement; windowMs: number },
): StreamConfig {
  const shape = { ...placed(placement), name: stream };
  // The nodes shorten it themselves, because NATS could drop a key's value.
  if (kind === "keyed") return { ...shape, subjects: [`${subject}.*`] };
  const { maxEvents, maxAgeMs } = { ...defaultRetention, ...retention };
  return {
    ...shape,
    subjects: [subject],
    max_msgs: Number.isSafeInteger(Math.ceil(maxEvents)) ? Math.ceil(maxEvents) + SPARE_EVENTS : -1,
    // No less than the window, because idempotency keys are read from the messages.
    max_age: maxAgeMs < LONGEST_MS ? Math.ceil(Math.max(maxAgeMs, windowMs)) * NS_PER_MS : 0,
  };
}

/** The streams that all topics share: their records, and lease renewals. */
export function sharedStreams(prefix: string, placement: Placement): StreamConfig[] {
  const { meta, leases } = sharedNames(prefix);
  const shape = placed(placement);
  return [
    { ...shape, name: meta, subjects: [`${prefix}.meta.>`], max_msgs_per_subject: 1 },
    {
      ...shape,
      name: leases,
      subjects: [`${prefix}.lease.*`],
      max_age: RENEWALS_MS * NS_PER_MS,
    },
  ];
}

/**
 * Unlimited in every way. A `max_bytes` would reserve that much of NATS's storage. NATS's own
 * deduplication is not used, so its window is as short as possible.
 */
function placed({ storage, replicas }: Placement): Omit<StreamConfig, "name" | "subjects"> {
  const limits = { max_msgs: -1, max_msgs_per_subject: -1, max_age: 0 };
  return { ...limits, storage, num_replicas: replicas ?? 1, duplicate_window: LEAST_WINDOW_NS };
}

/** Creates a stream, or updates the settings that differ. */
export async function settleStream(
  jetStream: JetStream,
  wanted: StreamConfig,
  placement: Placement,
): Promise<StreamInfo> {
  const found = await madeStream(jetStream, wanted.name);
  return adjusted(jetStream, found ?? (await jetStream.createStream(wanted)), wanted, placement);
}

/** Updates the settings of a stream that differ. */
export async function adjusted(
  jetStream: JetStream,
  found: StreamInfo,
  wanted: StreamConfig,
  { replicas }: Placement,
): Promise<StreamInfo> {
  const { config } = found;
  const { max_msgs, max_msgs_per_subject, max_age, duplicate_window } = wanted;
  const num_replicas = replicas ?? config.num_replicas;
  const own = { max_msgs, max_msgs_per_subject, max_age, duplicate_window, num_replicas };
  const names = Object.keys(own) as (keyof typeof own)[];
  if (names.every((name) => config[name] === own[name])) return found;
  return jetStream.updateStream({ ...config, ...own });
}

/**
 * Finds a stream; if another node is creating it right now, waits until that is done.
 *
 * @param isReady whether an empty stream is known to be complete. Default: unknown
 */
export async function madeStream(
  jetStream: JetStream,
  stream: string,
  isReady: (info: StreamInfo) => boolean = () => false,
): Promise<StreamInfo | undefined> {
  const info = await jetStream.streamInfo(stream);
  if (info === undefined || info.state.last_seq > 0 || isReady(info)) return info;
  const { clock } = jetStream.link;
  const isNew = Math.abs(jetStream.clock.now() - Date.parse(info.created)) < NEW_MS;
  if (isNew) await new Promise<void>((resolve) => clock.after(MAKING_MS, resolve));
  return info;
}
