import { Connections } from "./connections.mjs";
import { echoFrame, verifyEcho } from "./echo.mjs";

let opened;

/** Opens more connections that do nothing. */
export async function openIdle({ target, connections }) {
  opened ??= new Connections(target);
  await opened.open(connections);
}

/** Sends one message on each connection from `first` on, and waits for its echo. */
export async function exchangeIdle({ target, payload, first }) {
  const message = echoFrame(payload, target);
  const { failure } = opened;
  for (let at = first; at < opened.all.length; at += AT_ONCE) {
    await verifyEcho({ all: opened.all.slice(at, at + AT_ONCE), failure }, message);
  }
}

const AT_ONCE = 100;
