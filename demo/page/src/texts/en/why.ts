export const whyTexts = {
  title: "Why WebSocket",
  lead: "The same device, four ways at once. Each report is stamped when it is measured; its age here is how old it was when it reached this page.",
  device: "Device",
  start: "Start",
  stop: "Stop",
  noDevices: "No device is online, so there is nothing to compare. Start an agent first.",
  clock: (offset: string, error: string): string =>
    `The server’s clock compared with this browser’s: ${offset}, give or take ${error}. Ages are corrected accordingly.`,
  clockMissing: "The server did not report its time; ages assume that both clocks agree.",
  runningFor: (time: string): string => `Running for ${time}`,
  ways: {
    poll: {
      name: "Polling",
      how: "A new request every 2 seconds, whether or not there is new data.",
    },
    "long-poll": {
      name: "Long polling",
      how: "A request that the server holds until there is new data, then the next one.",
    },
    sse: {
      name: "Server-sent events",
      how: "One request whose response never ends. One direction only.",
    },
    websocket: {
      name: "WebSocket",
      how: "One connection, both directions, a few bytes of overhead per message.",
    },
  },
  age: "Age on arrival, median",
  worst: "Oldest 5 % on arrival",
  shown: "Age of what is shown, average",
  updates: "Reports received",
  requests: "Requests",
  bytes: "Bytes on the wire",
  perUpdate: "Bytes per report",
  cpu: "Server CPU",
  cpuPerUpdate: (value: string): string => `${value} per report`,
  of: (seen: string, all: string): string => `${seen} of ${all}`,
  notMeasured: "not measured",
  strip: (name: string): string => `${name}: age of each report in the last minute`,
  stripAxis: "Age of each report as it arrived, last 60 s (logarithmic)",
  errors: (count: string): string => `${count} failed`,
  ageOverTime: "How old the data shown is, last minute",
  bytesOverTime: "Bytes on the wire since the start",
  idle: "Not running. Choose a device and start.",
  collecting: "Collecting …",
  conclusion: "Summary of the figures",
  conclude: {
    waiting: "A few more seconds of data are needed before a conclusion is possible.",
    websocket: (age: string, bytes: string): string =>
      `WebSocket delivered each report ${age} after it was measured, for ${bytes} per report.`,
    poll: (shown: string, socketShown: string, missed: string): string =>
      `With polling, the page showed data that was ${shown} old on average, compared with ${socketShown}, and missed ${missed} of the reports; polling more often would cost more requests.`,
    longPoll: (age: string, factor: string): string =>
      `Long polling is at ${age}, with ${factor} times the bytes of WebSocket, because every report needs a request.`,
    longPollNoBytes: (age: string): string =>
      `Long polling is at ${age}, with one request for every report.`,
    sseEqual: (age: string): string =>
      `Server-sent events are as fresh (${age}): for data in one direction only, they are a fair choice. WebSocket also carries what the page sends, on the same connection.`,
    sseBehind: (age: string): string => `Server-sent events are at ${age} here, behind WebSocket.`,
    slow: "WebSocket is not ahead in this run; check the server or the network before drawing conclusions.",
  },
  notes: {
    title: "How it is measured",
    bytes:
      "Bytes count both directions. For the HTTP ways the server counts requests and responses with their headers; for WebSocket the page counts frames exactly and adds the handshake if the server knows its size.",
    ages: "The age on arrival counts reports measured after the start. The data shown grows older until the next report arrives; its average covers every moment.",
    http: "All four run in this page, on the same server and the same network.",
  },
};
