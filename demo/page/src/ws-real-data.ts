export type WsRecord = Record<string, unknown>;

/** The page that shows the data: its device type, and where records go. */
export interface WsTarget {
  readonly wsdeviceType?: string;
  $action(name: "GetWsData", record: WsRecord): void;
}

let latest: WebSocket | undefined;

/**
 * Receives live data: one WebSocket, the params as its first message, then one JSON record per
 * message.
 *
 * @returns the socket, to observe it or to send other params
 */
export function wsRealData(url: string, params: object, target: WsTarget): WebSocket {
  const ws = new WebSocket(url);
  latest = ws;
  ws.onopen = () => ws.send(JSON.stringify(params));
  ws.onmessage = (event) => {
    const record = parseRecord(event.data);
    if (!record) return;
    // A record means that the device is online; {"removed": name} means that it is offline.
    if (target.wsdeviceType === "AP" && !("removed" in record)) record["onlineStatus"] = true;
    target.$action("GetWsData", record);
  };
  ws.onerror = (event) => console.error("WebSocket error", event);
  ws.onclose = () => console.log("WebSocket closed, readyState", ws.readyState);
  return ws;
}

/** Closes the given socket, or the one opened last. */
export function closeWS(ws: WebSocket | undefined = latest): void {
  ws?.close();
}

function parseRecord(text: unknown): WsRecord | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as WsRecord;
    }
  } catch {
    // Handled below: either way it is not a record.
  }
  console.warn("WebSocket message ignored, not a JSON object:", text);
  return undefined;
}
