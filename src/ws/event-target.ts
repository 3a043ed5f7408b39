import type { EventEmitter } from "node:events";
import { CloseEvent, ErrorEvent, Event, MessageEvent } from "./events.ts";

/** A listener as pages write it: a function, or an object with `handleEvent`. */
export type EventListener = ((event: never) => void) | { handleEvent(event: never): void };

/** What `addEventListener` listens to; other types are passed over. */
export type EventType = "open" | "message" | "close" | "error";

type Socket = EventEmitter;

/** Those whose closing handshake was finished. */
const clean = new WeakSet<Socket>();

/** Says that Close frames went both ways, before the event. */
export function markClean(socket: Socket): void {
  clean.add(socket);
}

type EmittedListener = (this: Socket, ...given: unknown[]) => void;

/** What stands behind a listener of the emitter's that was made here. */
interface Origin {
  listener: EventListener;
  /** Whether it is the `on…` attribute's. */
  isAttribute: boolean;
}

const origins = new WeakMap<object, Origin>();

/** How an event is made of what the emitter is given. */
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

/** Adds a listener, unless it is there already. */
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
