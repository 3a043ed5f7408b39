/**
 * The client's part of `client-echo` and `client-pipelined`, for classes that follow the standard.
 *
 * @param {typeof WebSocket} WebSocket
 */
export function standardClient(WebSocket, { url, connections, batch, text }) {
  for (let left = connections; left > 0; left -= 1) {
    const socket = new WebSocket(url);
    let awaited = 0;
    const send = () => {
      awaited = batch;
      for (let sent = 0; sent < batch; sent += 1) socket.send(text);
    };
    socket.onopen = send;
    socket.onmessage = () => {
      awaited -= 1;
      if (awaited === 0) send();
    };
  }
}
