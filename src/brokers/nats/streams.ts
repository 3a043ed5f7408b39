import { defaultRetention, type TopicDeclaration } from "../../live/index.ts";
import type { JetStream, StreamConfig, StreamInfo } from "./jetstream.ts";
import { MAKING_MS, NEW_MS, RENEWALS_MS, SPARE_EVENTS, WINDOW_MS } from "./limits.ts";
import { sharedNames, type TopicNames } from "./names.ts";

/** Where streams are kept. */
export interface Placement {
  readonly storage: "file" | "memory";
  /** Nothing: one, and what there is stays as it is. */
  readonly replicas: number | undefined;
}

const NS_PER_MS = 1_000_000;
/** About three years; NATS counts nanoseconds and would not hold much more. */
const LONGEST_MS = 1e11;

export function topicStream(
  { kind, retention }: TopicDeclaration,
  { stream, subject }: TopicNames,
  placement: Placement,
): StreamConfig {
  const shape = { ...placed(placement), name: stream, duplicate_window: WINDOW_MS * NS_PER_MS };
  if (kind === "keyed") {
    return { ...shape, subjects: [`${subject}.*`], max_msgs: -1, max_msgs_per_subject: 1 };
  }
  const { maxEvents, maxAgeMs } = { ...defaultRetention, ...retention };
  return {
    ...shape,
    subjects: [subject],
    max_msgs: Number.isSafeInteger(Math.ceil(maxEvents)) ? Math.ceil(maxEvents) + SPARE_EVENTS : -1,
    // No less than the window: of what is gone NATS would remember no message id.
    max_age: maxAgeMs < LONGEST_MS ? Math.ceil(Math.max(maxAgeMs, WINDOW_MS)) * NS_PER_MS : 0,
  };
}

/** The streams that all topics share: what is known of each, and how leases were renewed. */
export function sharedStreams(prefix: string, placement: Placement): StreamConfig[] {
  const { meta, leases } = sharedNames(prefix);
  const shape = { ...placed(placement), duplicate_window: NS_PER_MS * 1_000 };
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

/** Without limits of any kind. A `max_bytes` would reserve that much of NATS's storage. */
function placed({ storage, replicas }: Placement): Omit<StreamConfig, "name" | "subjects"> {
  const limits = { max_msgs: -1, max_msgs_per_subject: -1, max_age: 0, duplicate_window: 0 };
  return { ...limits, storage, num_replicas: replicas ?? 1 };
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
  const { max_msgs, max_age } = wanted;
  const { config } = found;
  const num_replicas = replicas ?? config.num_replicas;
  const isSame =
    config.max_msgs === max_msgs &&
    config.max_age === max_age &&
    config.num_replicas === num_replicas;
  return isSame ? found : jetStream.updateStream({ ...config, max_msgs, max_age, num_replicas });
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
  const isNew = Math.abs(jetStream.now() - Date.parse(info.created)) < NEW_MS;
  if (isNew) await new Promise<void>((resolve) => clock.after(MAKING_MS, resolve));
  return info;
}
