interface Texts {
  readonly run: string;
  readonly url: string;
  readonly connect: string;
  readonly disconnect: string;
  readonly invalid: string;
  readonly idle: string;
  readonly connecting: string;
  readonly catchingUp: string;
  readonly live: (devices: number) => string;
  readonly unreachable: (url: string) => string;
  readonly retry: (seconds: number) => string;
  readonly lost: string;
  readonly refused: (message: string) => string;
  readonly permission: string;
  readonly device: string;
  readonly load: string;
  readonly received: string;
  readonly sent: string;
  readonly perSecond: string;
}

const english: Texts = {
  run: "In a clone of the repository, start the device monitor and allow this page to connect:",
  url: "Live server",
  connect: "Connect",
  disconnect: "Disconnect",
  invalid: "Enter a WebSocket URL, such as ws://127.0.0.1:8080/live.",
  idle: "Not connected. This page connects only when you ask it to.",
  connecting: "Connecting …",
  catchingUp: "Connected, loading the devices …",
  live: (devices) => `Live: ${devices} ${devices === 1 ? "device" : "devices"}`,
  unreachable: (url) =>
    `No connection to ${url}. Either no server is running there, or it does not allow pages from this site. Start it with the command above.`,
  retry: (seconds) => `Next attempt in ${seconds} s.`,
  lost: "The connection was lost. The devices below are as of then; the client reconnects by itself.",
  refused: (message) => `The server refused the connection: ${message}`,
  permission: "Your browser may ask whether this site may access this device. Allow it.",
  device: "Device",
  load: "Load",
  received: "Received",
  sent: "Sent",
  perSecond: "/s",
};

const chinese: Texts = {
  run: "在克隆的仓库里启动设备监控,并允许本页面连接:",
  url: "实时服务器",
  connect: "连接",
  disconnect: "断开",
  invalid: "请输入 WebSocket 地址,例如 ws://127.0.0.1:8080/live。",
  idle: "未连接。只有在你点击之后,本页面才会发起连接。",
  connecting: "正在连接……",
  catchingUp: "已连接,正在加载设备……",
  live: (devices) => `实时:${devices} 台设备`,
  unreachable: (url) =>
    `无法连接 ${url}:那里没有服务器在运行,或者它不允许本站页面连接。请用上面的命令启动它。`,
  retry: (seconds) => `${seconds} 秒后重试。`,
  lost: "连接已断开。下面是断开时的数据;客户端会自动重连。",
  refused: (message) => `服务器拒绝了连接:${message}`,
  permission: "浏览器可能会询问是否允许本站访问这台设备,请选择允许。",
  device: "设备",
  load: "负载",
  received: "接收",
  sent: "发送",
  perSecond: "/秒",
};

export function textsOf(language: string): Texts {
  return language.startsWith("zh") ? chinese : english;
}
