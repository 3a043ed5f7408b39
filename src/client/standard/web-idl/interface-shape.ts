/** A class that represents an interface of the web platform. */
interface InterfaceObject {
  readonly prototype: object;
}

export interface InterfaceShape {
  name: string;
  /** The number of required arguments of the constructor. */
  length: number;
  /** Methods without required arguments whose declared parameters would suggest otherwise. */
  optionalOnly?: readonly string[];
  constants?: Record<string, number>;
}

/**
 * Gives a class the properties that Web IDL requires of an interface: enumerable attributes and
 * methods, a class string, lengths that count only required arguments, constants on both objects.
 * (Web IDL §3.7)
 */
export function shapeAsInterface(target: InterfaceObject, shape: InterfaceShape): void {
  const { prototype } = target;
  const { name, length, optionalOnly = [], constants = {} } = shape;
  Object.defineProperty(target, "name", { value: name, configurable: true });
  Object.defineProperty(target, "length", { value: length, configurable: true });
  for (const member of Object.getOwnPropertyNames(prototype)) {
    if (member !== "constructor") Object.defineProperty(prototype, member, { enumerable: true });
  }
  for (const method of optionalOnly) {
    const { value } = Object.getOwnPropertyDescriptor(prototype, method)!;
    Object.defineProperty(value, "length", { value: 0, configurable: true });
  }
  Object.defineProperty(prototype, Symbol.toStringTag, { value: name, configurable: true });
  for (const [constant, value] of Object.entries(constants)) {
    const property = { value, writable: false, enumerable: true, configurable: false };
    Object.defineProperty(target, constant, property);
    Object.defineProperty(prototype, constant, property);
  }
}
