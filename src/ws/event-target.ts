import type { EventEmitter } from "node:events";
import { CloseEvent, ErrorEvent, Event, MessageEvent } from "./events.ts";

/** A listener as in browsers: a function, or an object with `handleEvent`. */
export type EventListener = ((event: never) => void) | { handleEvent(event: never): void };

/** The types that `addEventListener` supports; others are ignored. */
export type EventType = "open" | "message" | "close" | "error";

type Socket = EventEmitter;

/** The sockets whose closing handshake was completed. */
const clean = new WeakSet<Socket>();

/** Records, before the event, that both Close frames were exchanged. */
export function markClean(socket: Socket): void {
  clean.add(socket);
}

type EmittedListener = (this: Socket, ...given: unknown[]) => void;

/** The listener that a function registered on the emitter was created for. */
interface Origin {
  listener: EventListener;
  /** Whether it belongs to the `on…` attribute. */
  isAttribute: boolean;
}

const origins = new WeakMap<object, Origin>();

/** Functions that create an event from the emitter's arguments. */
const makers: Readonly<Record<EventType, (target: Socket, ...given: never[]) => Event>> = {
  open: (target) => new Event("open", target),
  message: (target, data: Buffer, isBinary: boolean) =>
    new MessageEvent(target, isBinary ? data : data.toString()),
  close: (target, code: number, reason: Buffer) =>
    new CloseEvent(target, { code, reason: reason.toString(), wasClean: clean.has(target) }),
  error: (target, error: Error) => new ErrorEvent(target, error),
};

function isEventType(type: string): type is EventType {
  return Object.hasOwn(makers, type);
}

/** Adds a listener, unless it has been added already. */
export function addListener(
  socket: Socket,
  type: string,
  listener: EventListener,
  { once = false }: { once?: boolean | undefined } = {},
): void {
  if (!isEventType(type) || find(socket, type, { listener, isAttribute: false })) return;
  const emitted = emittedFor(type, { listener, isAttribute: false });
  if (once) socket.once(type, emitted);
  else socket.on(type, emitted);
}

export function removeListener(socket: Socket, type: string, listener: EventListener): void {
  const emitted = find(socket, type, { listener, isAttribute: false });
  if (emitted !== undefined) socket.removeListener(type, emitted);
}

export function attribute(socket: Socket, type: EventType): EventListener | null {
  const emitted = find(socket, type, { isAttribute: true });
  return emitted === undefined ? null : origins.get(emitted)!.listener;
}

export function setAttribute(socket: Socket, type: EventType, listener: unknown): void {
  const before = find(socket, type, { isAttribute: true });
  if (before !== undefined) socket.removeListener(type, before);
  if (typeof listener !== "function") return;
  const origin = { listener: listener as EventListener, isAttribute: true };
  socket.on(type, emittedFor(type, origin));
}

function find(socket: Socket, type: string, wanted: Partial<Origin>): (() => void) | undefined {
  const listeners = socket.listeners(type) as (() => void)[];
  return listeners.find((emitted) => {
    const origin = origins.get(emitted);
    if (origin === undefined || origin.isAttribute !== wanted.isAttribute) return false;
    return wanted.listener === undefined || origin.listener === wanted.listener;
  });
}

function emittedFor(type: EventType, origin: Origin): EmittedListener {
  const { listener } = origin;
  const make = makers[type];
  const emitted: EmittedListener = function (...given) {
    const event = make(this, ...(given as never[])) as never;
    if (typeof listener === "function") listener.call(this, event);
    else listener.handleEvent(event);
  };
  origins.set(emitted, origin);
  return emitted;
}
