import * as beforeCredentials from "./moves/before-credentials.ts";
import * as brokerAway from "./moves/broker-away.ts";
import * as churn from "./moves/churn.ts";
import * as costlyValues from "./moves/costly-values.ts";
import * as distinctParams from "./moves/distinct-params.ts";
import * as held from "./moves/held.ts";
import { foreignHost } from "./moves/host-header.ts";
import { setAndLeave } from "./moves/many-keys.ts";
import * as names from "./moves/names.ts";
import * as readingCreates from "./moves/reading-creates.ts";
import * as remembered from "./moves/remembered.ts";
import * as subscriptions from "./moves/subscriptions.ts";
import * as tinyFrames from "./moves/tiny-frames.ts";
import * as unfinishedBodies from "./moves/unfinished-bodies.ts";
import * as unfinishedMessages from "./moves/unfinished-messages.ts";
import * as unreadAnswers from "./moves/unread-answers.ts";
import * as unreadStreams from "./moves/unread-streams.ts";
import type { Row } from "./row.ts";

const theLog = { mib: 16, reason: "the log keeps 16 MiB (retention.maxBytes)" };
const hundredMegabytes = { mib: 96, reason: "the state keeps 100 values of 1 MB (maxStateBytes)" };
const theInventory = {
  // Measured with as many devices that came and went, and nobody attacking: 181 MiB, of 52.
  mib: 128,
  reason: "the inventory keeps 99,000 devices, and for five minutes the keys of their reports",
};
const theEventsOfNames = {
  mib: 48,
  reason: "the names keep as many events as a payer's share has room for (retention)",
};
const twentyMegabytes = { mib: 20, reason: "the state keeps 20 values of 1 MB" };

/** All that is tried; docs/concepts/security.md says how it is judged. */
export const catalogue: readonly Row[] = [
  { name: "control-serve", what: "nobody attacks longwire serve", server: "serve", seconds: 10 },
  { name: "control-tls", what: "nobody attacks it over TLS", server: "serve-tls", seconds: 10 },
  {
    name: "control-fixture",
    what: "nobody attacks an application",
    server: "fixture",
    seconds: 10,
  },
  { name: "control-monitor", what: "nobody attacks the monitor", server: "monitor", seconds: 10 },
  {
    name: "unread-answers-pipelined",
    what: "300 GETs of a full log in one segment, nothing read",
    server: "serve",
    seconds: 15,
    allowance: theLog,
    move: unreadAnswers.pipelined,
  },
  {
    name: "unread-answers-held",
    what: "100 connections ask for a full log and read nothing",
    server: "serve",
    seconds: 15,
    allowance: theLog,
    move: unreadAnswers.held,
  },
  {
    name: "unread-answers-abandoned",
    what: "100 connections ask for a full log and leave, again and again",
    server: "serve",
    seconds: 15,
    allowance: theLog,
    move: unreadAnswers.abandoned,
  },
  {
    name: "unread-answers-history",
    what: "100 connections ask for pages of a full log without a pause and read nothing",
    server: "serve",
    seconds: 15,
    allowance: theLog,
    move: unreadAnswers.history,
  },
  {
    name: "unread-answers-pages",
    what: "100 connections ask 50 times for a page of a full log in one segment, nothing read",
    server: "serve",
    seconds: 15,
    allowance: theLog,
    move: unreadAnswers.pages,
  },
  {
    name: "unread-event-streams",
    what: "99 event streams read nothing of events of 1 MB",
    server: "serve",
    seconds: 15,
    allowance: theLog,
    move: unreadStreams.eventStreams,
  },
  {
    name: "unread-subscribers",
    what: "99 subscribers read nothing of events of 1 MB",
    server: "serve",
    seconds: 15,
    allowance: theLog,
    move: unreadStreams.subscribers,
  },
  {
    name: "unfinished-messages",
    what: "100 messages of 15.9 MiB in one frame, whose ends drip",
    server: "serve",
    seconds: 20,
    move: unfinishedMessages.large,
  },
  {
    name: "unfinished-messages-1-mib",
    what: "100 messages of 1 MiB less a byte, whose ends drip",
    server: "serve",
    seconds: 15,
    move: unfinishedMessages.belowTheLimit,
    after: held.asManyAsAShareHas,
  },
  {
    name: "unfinished-messages-fragments",
    what: "100 messages of 15.8 MiB in fragments, which never end",
    server: "serve",
    seconds: 20,
    move: unfinishedMessages.fragments,
  },
  {
    name: "unfinished-messages-compressed",
    what: "100 messages of 15.8 MiB that are 16 KiB on the wire, which never end",
    server: "serve",
    seconds: 20,
    move: unfinishedMessages.compressed,
  },
  {
    name: "unfinished-bodies-http1",
    what: "100 POST bodies of 1 MiB whose ends drip",
    server: "serve",
    seconds: 15,
    move: unfinishedBodies.withLength,
    after: held.asManyAsAShareHas,
  },
  {
    name: "unfinished-bodies-chunked",
    what: "100 POST bodies in chunks, which never end",
    server: "serve",
    seconds: 15,
    move: unfinishedBodies.chunked,
    after: held.asManyAsAShareHas,
  },
  {
    name: "unfinished-bodies-http2",
    what: "500 POST bodies of 1 MiB on one HTTP/2 connection, whose ends drip",
    server: "serve-tls",
    seconds: 20,
    move: unfinishedBodies.overHttp2,
  },
  {
    name: "before-credentials-messages",
    what: "100 messages of 15.9 MiB from clients that never show credentials",
    server: "fixture",
    seconds: 20,
    move: beforeCredentials.messages,
  },
  {
    name: "before-credentials-hello",
    what: "100 connections send tokens of 1 MiB without a pause",
    server: "fixture",
    seconds: 15,
    move: beforeCredentials.longHello,
    after: beforeCredentials.noLongTokens,
  },
  {
    name: "before-credentials-wrong-tokens",
    what: "100 connections try wrong tokens as fast as they can",
    server: "fixture",
    seconds: 15,
    move: beforeCredentials.wrongTokens,
    after: beforeCredentials.fewAttempts,
  },
  {
    name: "costly-values-arrays",
    what: "100 keys with [[],[],...] of 1 MB, and readers whose params look into them",
    server: "serve",
    seconds: 25,
    allowance: hundredMegabytes,
    move: costlyValues.arrays,
  },
  {
    name: "costly-values-nested",
    what: '100 keys with {"a":{"a":...}} of 1 MB, and the same readers',
    server: "serve",
    seconds: 25,
    allowance: hundredMegabytes,
    move: costlyValues.nested,
  },
  {
    name: "costly-values-fields",
    what: "100 keys with objects of 80,000 fields, and the same readers",
    server: "serve",
    seconds: 45,
    allowance: hundredMegabytes,
    move: costlyValues.fields,
  },
  {
    name: "distinct-params",
    what: "100 connections subscribe with ever new params to 20 values of 1 MB",
    server: "serve",
    seconds: 15,
    allowance: twentyMegabytes,
    move: distinctParams.everNew,
  },
  {
    name: "long-params",
    what: "100 connections subscribe with 500 params each to 20,000 keys",
    server: "serve",
    seconds: 20,
    move: distinctParams.long,
  },
  {
    name: "long-queries",
    what: "100 connections GET 20,000 keys with queries of 9.9 kB",
    server: "serve",
    seconds: 20,
    move: distinctParams.inQueries,
  },
  {
    name: "monitor-params",
    what: "2,000 Level 0 clients of the monitor, 100 at a time, with ?x=1, ?x=2, ...",
    server: "monitor",
    seconds: 20,
    move: distinctParams.onTheMonitor,
  },
  {
    name: "names-large",
    what: "an event of 1 MB to each of 1,500 names of a pattern",
    server: "fixture",
    seconds: 25,
    allowance: theEventsOfNames,
    move: names.large,
    after: names.othersGetOne,
  },
  {
    name: "names-many",
    what: "100,000 names of a pattern are subscribed to and left",
    server: "fixture",
    seconds: 50,
    move: names.many,
    after: names.othersGetOne,
  },
  {
    name: "remembered-answers",
    what: "calls with ever new idempotency keys and answers of 32 Ki characters",
    server: "fixture",
    seconds: 20,
    move: remembered.answers,
  },
  {
    name: "remembered-publishes",
    what: "publishes with ever new idempotency keys of 255 characters",
    server: "fixture",
    seconds: 20,
    move: remembered.publishes,
  },
  {
    name: "pending-calls",
    what: "256 calls of a slow method on each of 100 connections, with [[],[],...] of 1 MB",
    server: "fixture",
    seconds: 20,
    move: remembered.pendingCalls,
  },
  {
    name: "pings-unread",
    what: "100 connections send pings without a pause and read no pong",
    server: "serve",
    seconds: 15,
    move: tinyFrames.unreadPings,
  },
  {
    name: "pings-in-a-segment",
    what: "100 connections send 10,000 pings at once, ten times a second",
    server: "serve",
    seconds: 15,
    move: tinyFrames.pingsInASegment,
  },
  {
    name: "tiny-fragments",
    what: "100 messages of 131,000 fragments of one byte, which never end",
    server: "serve",
    seconds: 15,
    move: tinyFrames.fragments,
  },
  {
    name: "many-keys",
    what: "ten connections set 99,000 keys that live with them, and leave together",
    server: "monitor",
    seconds: 30,
    allowance: theInventory,
    move: setAndLeave,
  },
  {
    name: "subscriptions",
    what: "100 connections subscribe to 1,000 names each and publish to them",
    server: "fixture",
    seconds: 40,
    allowance: theEventsOfNames,
    move: subscriptions.all,
    after: subscriptions.asManyAsAShareHas,
  },
  {
    name: "churn-connections",
    what: "100 at a time connect and drop, most of them behind a handshake",
    server: "serve",
    seconds: 15,
    move: churn.connections,
    after: churn.allIsGivenBack,
  },
  {
    name: "churn-half-handshakes",
    what: "100 handshakes that never end and drip",
    server: "serve",
    seconds: 15,
    move: churn.halfHandshakes,
    after: held.noLongHandshake,
  },
  {
    name: "churn-http2-resets",
    what: "ten HTTP/2 connections open streams and reset them",
    server: "serve-tls",
    seconds: 15,
    move: churn.http2Resets,
    after: churn.allIsGivenBack,
  },
  {
    name: "broker-away",
    what: "100 connections publish events of 1 MB while Redis is stopped",
    server: "on-redis",
    seconds: 15,
    withoutPublishes: true,
    before: brokerAway.stopBroker,
    move: brokerAway.publishMeanwhile,
    after: brokerAway.resumeBroker,
  },
  {
    name: "reading-creates",
    what: "3,000 names of a pattern are read on NATS, which must create nothing",
    server: "on-nats",
    seconds: 20,
    before: readingCreates.countBefore,
    move: readingCreates.readNames,
    after: readingCreates.countAfter,
  },
  {
    name: "host-header",
    what: "a request whose Host is another site's name",
    server: "serve",
    seconds: 2,
    after: foreignHost,
  },
];
