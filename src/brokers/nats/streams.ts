import { defaultRetention, type TopicDeclaration } from "../../topics/index.ts";
import type { JetStream, StreamConfig, StreamInfo } from "./jetstream.ts";
import { MAKING_MS, NEW_MS, RENEWALS_MS, SPARE_EVENTS } from "./limits.ts";
import { sharedNames, type TopicNames } from "./names.ts";

/** Where streams are kept. */
export interface Placement {
  readonly storage: "file" | "memory";
  /** Nothing: one, and what there is stays as it is. */
  readonly replicas: number | undefined;
}

const NS_PER_MS = 1_000_000;
/** NATS takes no shorter one. */
const LEAST_WINDOW_NS: number = 100 * NS_PER_MS;
/** About three years; NATS counts nanoseconds and would not hold much more. */
const LONGEST_MS = 1e11;

export function topicStream(
  { kind, retention }: TopicDeclaration,
  { stream, subject }: TopicNames,
  { placement, windowMs }: { placement: Placement; windowMs: number },
): StreamConfig {
  const shape = { ...placed(placement), name: stream };
  // The nodes shorten it themselves: what NATS drops of its own accord may be a key's value.
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

/** The streams that all topics share: what is known of each, and how leases were renewed. */
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
 * Without limits of any kind. A `max_bytes` would reserve that much of NATS's storage. Nothing here
 * uses NATS's own recognition of repeated messages, so its window is as short as can be.
 */
function placed({ storage, replicas }: Placement): Omit<StreamConfig, "name" | "subjects"> {
  const limits = { max_msgs: -1, max_msgs_per_subject: -1, max_age: 0 };
  return { ...limits, storage, num_replicas: replicas ?? 1, duplicate_window: LEAST_WINDOW_NS };
}

/** Makes a stream, or changes what of it is not as it is to be. */
export async function settleStream(
  jetStream: JetStream,
  wanted: StreamConfig,
  placement: Placement,
): Promise<StreamInfo> {
  const found = await madeStream(jetStream, wanted.name);
  return adjusted(jetStream, found ?? (await jetStream.createStream(wanted)), wanted, placement);
}

/** Changes what of a stream is not as it is to be. */
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
 * Finds a stream; one that another node makes at this moment is left alone until that is done.
 *
 * @param isReady whether an empty stream is known to be made. Default: it is not known
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
