import { connect as connectToPath, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ConnectionOptions as TlsOptions, TLSSocket } from "node:tls";
import { fieldValues } from "../../../protocol/index.ts";
import { eventOf } from "./await-stream.ts";
import type { Destination } from "../http/destination.ts";
import type { Dial } from "./dial.ts";
import { tunnelThroughHttp } from "../proxy/http-proxy.ts";
import type { OpenOptions } from "../open-options.ts";
import { remoteHostOf, type RemoteHost } from "../route/remote-host.ts";
import type { Route } from "../route/route.ts";
import { tunnelThroughSocks5 } from "../proxy/socks5-proxy.ts";
import { addressesOf, connectTcp } from "./tcp.ts";
import { startTls } from "./tls.ts";

type ProxyRoute = Extract<Route, { kind: "proxy" }>;

/** Opens the stream for the handshake, layer by layer. */
export class StreamOpener {
  readonly #dial: Dial;
  readonly #options: OpenOptions;

  constructor(dial: Dial, options: OpenOptions) {
    this.#dial = dial;
    this.#options = options;
  }

  /** @throws ProxyError, or the error of a stream; `dial.step` is then the step that failed */
  async open(route: Route, destination: Destination): Promise<Duplex> {
    const stream = await this.#connect(route, destination);
    const { url, tls } = destination;
    if (url.protocol !== "wss:") return stream;
    this.#dial.step = { kind: "negotiating TLS" };
    return this.#secured(stream, remoteHostOf(url).host, tls);
  }

  #connect(route: Route, destination: Destination): Promise<Duplex> {
    switch (route.kind) {
      case "unix":
        this.#dial.step = { kind: "connecting", where: route.path };
        return this.#connected(connectToPath(route.path));
      case "direct": {
        this.#dial.step = { kind: "connecting", where: destination.url.host };
        return this.#connected(connectTcp(route.remote, route.addresses, this.#options.tcp));
      }
      case "proxy":
        return this.#throughProxy(route, destination);
    }
  }

  async #throughProxy(route: ProxyRoute, destination: Destination): Promise<Duplex> {
    const { proxy, target } = route;
    this.#dial.step = { kind: "connecting to the proxy", proxy };
    const stream = await this.#toProxy(proxy);
    this.#dial.step = { kind: "requesting a tunnel from the proxy", proxy };
    if (proxy.kind === "socks5") {
      await tunnelThroughSocks5(stream, proxy, target);
      return stream;
    }
    const authority = `${destination.url.hostname}:${target.port}`;
    const authorization = fieldValues(destination.headers, "proxy-authorization")[0];
    const { limits } = this.#options;
    await tunnelThroughHttp(stream, { proxy, authority, authorization, limits });
    return stream;
  }

  async #toProxy(proxy: RemoteHost & { secure: boolean }): Promise<Duplex> {
    const { tcp, proxyTls } = this.#options;
    const addresses = await addressesOf(proxy.host, tcp);
    const stream = await this.#connected(connectTcp(proxy, addresses, tcp));
    return proxy.secure ? this.#secured(stream, proxy.host, proxyTls) : stream;
  }

  async #connected(socket: Socket): Promise<Duplex> {
    this.#dial.keep(socket);
    await eventOf(socket, "connect");
    // Frames are sent immediately, without waiting for outstanding acknowledgements.
    socket.setNoDelay(true);
    return socket;
  }

  async #secured(stream: Duplex, host: string, tls: TlsOptions | undefined): Promise<TLSSocket> {
    const secured = this.#dial.keep(startTls(stream, host, tls));
    await eventOf(secured, "secureConnect");
    return secured;
  }
}
