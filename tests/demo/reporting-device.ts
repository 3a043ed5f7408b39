import { expect } from "vitest";
import { OpenSocket } from "../rigs/sockets/open-socket.ts";
import type { MonitorProcess } from "../rigs/processes/monitor-process.ts";

/** A device whose agent is the test: it reports when it is told, over a connection of its own. */
export class ReportingDevice {
  readonly name: string;
  readonly client: OpenSocket;
  #reports = 0;

  private constructor(name: string, client: OpenSocket) {
    this.name = name;
    this.client = client;
  }

  static async connect(monitor: MonitorProcess, name: string): Promise<ReportingDevice> {
    const url = `${monitor.liveUrl}?device=${name}`;
    const client = await OpenSocket.open(url, { protocols: ["longwire.v1"] });
    return new ReportingDevice(name, client);
  }

  /** Reports, and waits until the server has taken it. */
  async report(fields: Record<string, unknown> = {}): Promise<void> {
    this.#reports += 1;
    const id = this.#reports;
    const data = { name: this.name, deviceType: "AP", at: Date.now(), ...fields };
    this.client.sendJson({ type: "publish", id, topic: "devices", key: this.name, data });
    await expect
      .poll(() => this.client.json.find((message) => message["id"] === id))
      .toMatchObject({ type: "published" });
  }

  /** Ends as a pulled plug does: without a close frame. */
  vanish(): void {
    this.client.socket.terminate();
  }
}
