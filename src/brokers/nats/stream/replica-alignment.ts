import { LongwireError } from "../../../base/index.ts";
import type { JetStream, StreamInfo } from "../link/jetstream.ts";
import { AGAIN_MS, ALIGN_MS, CATCH_UP_MS, REMOVAL_MS } from "../limits.ts";
import type { TopicNames } from "../topic/names.ts";
import type { KeptRecord, TopicRecords } from "./records.ts";

interface AlignmentHost {
  jetStream: JetStream;
  records: TopicRecords;
  names: TopicNames;
  /** Reports that replicas differ. */
  readonly onError: (error: LongwireError) => void;
}

/**
 * Aligns the replicas of a stream after this node followed something that the leader does not have.
 *
 * A consumer reads from one replica, so this may mean that replicas differ. While they do, every
 * refresh would find it again and create another epoch. Only one node at a time does this.
 *
 * @returns the topic's record afterwards, or `another` if another node is doing it
 */
export async function alignReplicas(
  host: AlignmentHost,
  info: StreamInfo | undefined,
  record: KeptRecord | undefined,
): Promise<KeptRecord | undefined | "another"> {
  const { jetStream, records, names } = host;
  const replicas = info?.cluster?.replicas ?? [];
  // An offline replica could not be recreated.
  const canBe = replicas.length > 0 && replicas.every(({ current }) => current);
  if (info === undefined || record === undefined || !canBe) return record;
  const now = jetStream.clock.now();
  if ((record.aligningUntil ?? 0) > now) return "another";
  const claim = { ...record, aligningUntil: now + ALIGN_MS };
  const written = await records.write(names.record, claim, record);
  if (written === undefined) return "another";
  await copyLeader(host, info, replicas.length);
  return written;
}

async function copyLeader(
  { jetStream, names, onError }: AlignmentHost,
  { config, cluster }: StreamInfo,
  count: number,
): Promise<void> {
  const message = `${jetStream.link.server} has replicas of the stream ${names.stream} that differ, or has lost events; all are copied from ${cluster?.leader}, and the topic begins another epoch. Look at the logs of NATS for the cause.`;
  onError(new LongwireError("broker_diverged", message));
  await jetStream.updateStream({ ...config, num_replicas: 1 });
  // If they were recreated before the old ones are gone, they would keep their data.
  await whenReplicas(jetStream, names.stream, 0);
  await pause(jetStream, REMOVAL_MS);
  await jetStream.updateStream(config);
  await whenReplicas(jetStream, names.stream, count);
}

/** Waits, for a limited time, until this many replicas besides the leader are current. */
async function whenReplicas(jetStream: JetStream, stream: string, count: number): Promise<void> {
  const { clock } = jetStream.link;
  const until = clock.now() + CATCH_UP_MS;
  for (;;) {
    const info = await jetStream.streamInfo(stream).catch(() => undefined);
    const replicas = info?.cluster?.replicas ?? [];
    const isDone = info !== undefined && replicas.length === count;
    if ((isDone && replicas.every(({ current }) => current)) || clock.now() > until) return;
    await pause(jetStream, AGAIN_MS);
  }
}

function pause({ link }: JetStream, ms: number): Promise<void> {
  return new Promise<void>((resolve) => link.clock.after(ms, resolve));
}
