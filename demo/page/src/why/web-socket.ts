import { closeWS, wsRealData } from "../ws-real-data.ts";
import { clientFrameBytes, payloadBytes, serverFrameBytes } from "../live/socket/frame-size.ts";
import { socketUrl } from "../live/socket/socket-url.ts";
import { topicPath } from "./way.ts";
import type { WayOptions } from "./way.ts";

const retryMs = 2_000;

/** (d) One connection: the first message selects the device, then each report is one message. */
export function startWebSocket({ name, watcher }: WayOptions): () => void {
  let stopped = false;
  let socket: WebSocket | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = (): void => {
    const params = { name };
    watcher.onRequest();
    socket = wsRealData(socketUrl(topicPath), params, {
      $action: (_name, record) => watcher.onRecord(record),
    });
    socket.addEventListener("open", () => {
      watcher.onBytes(clientFrameBytes(payloadBytes(JSON.stringify(params))));
    });
    socket.addEventListener("message", (event) => {
      watcher.onBytes(serverFrameBytes(payloadBytes(String(event.data))));
    });
    socket.addEventListener("close", () => {
      if (stopped) return;
      watcher.onError();
      timer = setTimeout(open, retryMs);
    });
  };
  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    closeWS(socket);
  };
}
