import type { Texts } from "../en.ts";

export const whyTexts: Texts["why"] = {
  title: "为什么用 WebSocket",
  lead: "同一台设备，四种方式同时获取。每次上报在测量时都带有时间戳，这里的“数据年龄”是指本页拿到它时已经过去了多久。",
  device: "设备",
  start: "开始",
  stop: "停止",
  noDevices: "目前没有在线设备，无从比较。请先启动一个代理程序。",
  clock: (offset, error) =>
    `服务器时钟与本浏览器相差 ${offset}，误差不超过 ${error}，数据年龄已据此校正。`,
  clockMissing: "服务器没有提供时间，计算数据年龄时假定两边时钟一致。",
  runningFor: (time) => `已运行 ${time}`,
  ways: {
    poll: {
      name: "轮询",
      how: "每 2 秒发一次请求，不管有没有新数据。",
    },
    "long-poll": {
      name: "长轮询",
      how: "服务器先不应答，等有了新数据再返回，页面随即发出下一个请求。",
    },
    sse: {
      name: "服务器发送事件（SSE）",
      how: "一个请求，应答永不结束，只能单向传输。",
    },
    websocket: {
      name: "WebSocket",
      how: "一条连接，双向传输，每条消息只多几个字节。",
    },
  },
  age: "到达时的数据年龄（中位数）",
  worst: "到达时最旧的 5%",
  shown: "所显示数据的平均年龄",
  updates: "收到的上报",
  requests: "请求数",
  bytes: "线路字节数",
  perUpdate: "每次上报的字节数",
  cpu: "服务器 CPU",
  cpuPerUpdate: (value) => `每次上报 ${value}`,
  of: (seen, all) => `${seen} / ${all}`,
  notMeasured: "未测量",
  strip: (name) => `${name}：最近一分钟每次上报的数据年龄`,
  stripAxis: "每次上报到达时的数据年龄，最近 60 秒（对数刻度）",
  errors: (count) => `失败 ${count} 次`,
  ageOverTime: "所显示数据的时延，最近一分钟",
  bytesOverTime: "开始以来的传输字节数",
  idle: "尚未运行。请选择设备，然后开始。",
  collecting: "正在收集……",
  conclusion: "数据说明了什么",
  conclude: {
    waiting: "还需要几秒钟的数据才能得出结论。",
    websocket: (age, bytes) => `WebSocket 在测量后 ${age}即送达每次上报，每次 ${bytes}。`,
    poll: (shown, socketShown, missed) =>
      `轮询所显示的数据平均已有 ${shown}，WebSocket 为 ${socketShown}；轮询还漏掉了 ${missed} 的上报，问得更勤，请求也就更多。`,
    longPoll: (age, factor) =>
      `长轮询为 ${age}，字节数是 WebSocket 的 ${factor} 倍，因为每次上报都要付出一次请求的代价。`,
    longPollNoBytes: (age) => `长轮询为 ${age}，每次上报都需要一次请求。`,
    sseEqual: (age) =>
      `SSE 同样及时（${age}）：如果数据只需要单向流动，它也是合理的选择。WebSocket 则可以在同一条连接上把页面的话也传回去。`,
    sseBehind: (age) => `SSE 在本次运行中为 ${age}，落后于 WebSocket。`,
    slow: "本次运行中 WebSocket 并不领先，下结论之前请先检查服务器或网络。",
  },
  notes: {
    title: "测量方法",
    bytes:
      "字节数包含两个方向。HTTP 的三种方式由服务器统计，包括请求与应答的头部；WebSocket 由页面按帧精确计算，若服务器提供握手的大小则一并计入。",
    ages: "到达时的数据年龄只统计开始之后测量的上报。所显示的数据在下一次上报到来之前会不断变旧，平均值把每一刻都计算在内。",
    http: "四种方式都在本页运行，使用同一台服务器、同一个网络。",
  },
};
