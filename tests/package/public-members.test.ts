import { expect, test } from "vitest";
import { publicClasses } from "./public-classes.ts";

/**
 * The members that users may call, by class. A member for internal calls must not be in an
 * importable class; it belongs to a class behind an interface, as `ServerPeer` is behind `Peer`.
 */
const MEMBERS: Readonly<Record<string, string>> = {
  ClientError: "clientCode",
  ClientHandle: "call",
  Command: "key outcome withdraw",
  Connections: "disconnect find recheck revoke unsubscribe",
  DiskBroker: "close isAway isShared open openTopic",
  EventLog:
    "after append before bytes continueFrom eventCount expire floor isEmpty keyCount lastOffset newest onDropped",
  FailureEvent: "error message",
  FollowersHandle: "call",
  IdentityHandle: "command",
  HandshakeError: "status",
  HandshakeRefusal: "headers status",
  Ledger: "addCache common hasPlace heldBytes limits ofProcess payer payers",
  LimitError: "limit size",
  LiveError: "code",
  LiveServer:
    "census close command connection connections endpoint followers identity open readersOf shed statistics topic whyNotReady",
  LongwireError: "code",
  MemoryBroker: "close openTopic",
  MemoryBudget: "charge limitBytes refund usedBytes",
  MemoryNetwork:
    "WebSocket carriage clientAddress comeBack connections cut endpoint goDown headers ledger loseServer serverPatienceMs",
  MemoryWebSocket:
    "CLOSED CLOSING CONNECTING OPEN binaryType bufferedAmount close extensions onclose onerror onmessage onopen protocol readyState send url",
  NatsBroker: "close isAway open openTopic",
  ProtocolError: "closeCode seen",
  ProxyError: "proxy status",
  RedisBroker: "close isAway open openTopic",
  ResponseHeadReader: "receive",
  TestLive: "clock close connect crash drain network pass restart server settle start url",
  TopicHandle: "events get kind name onEvent position publish ready remove set",
  VirtualClock: "advance after leap nextTimerAt now pass set timerCount timers wallTime",
  WebSocket:
    "CLOSED CLOSING CONNECTING OPEN binaryType bufferedAmount close extensions onclose onerror onmessage onopen protocol readyState send url",
  WebSocketError: "closeCode reason",
  WebSocketServer: "attach close handleRequest listen peers",
  WebSocketStream: "close closed opened url",
};

const { classes, names } = publicClasses();

test("a public class has exactly the members that users may call", () => {
  const found = classes.map(({ name, members }) => [name, members.toSorted().join(" ")]);
  expect(Object.fromEntries(found)).toEqual(MEMBERS);
});

test("a public class implements only interfaces that users can import, or that are built in", () => {
  const hidden = classes.flatMap((each) =>
    each.implements.filter((name) => !names.has(name)).map((name) => `${each.name}: ${name}`),
  );
  expect(hidden).toEqual([]);
});

test.each(["Peer", "HttpExchange", "UpgradeRequest", "Connection", "Outgoing", "MemoryConnection"])(
  "%s is an interface, because the class behind it has internal members",
  (name) => {
    expect([names.has(name), classes.some((each) => each.name === name)]).toEqual([true, false]);
  },
);
