import { FieldScanner } from "./field-scanner.ts";

/** An extension's parameters: each name with its values in order, `true` for none. */
export type Parameters = Record<string, (string | true)[]>;

/** The offers of each extension, by its name. */
export type Offers = Record<string, Parameters[]>;

/** A parameter's value or values, as they are written. */
type Value = string | number | true;
type WrittenParameters = Readonly<Record<string, Value | readonly Value[]>>;

/**
 * Parses a `Sec-WebSocket-Extensions` field.
 *
 * @throws SyntaxError which says where it is wrong
 */
export function parse(header: string): Offers {
  const scanner = new FieldScanner(header);
  // No name may reach a prototype.
  const offers = Object.create(null) as Offers;
  do {
    const name = scanner.member();
    (offers[name] ??= []).push(parametersOf(scanner));
  } while (scanner.skip(","));
  if (!scanner.isAtEnd) scanner.fail();
  return offers;
}

function parametersOf(scanner: FieldScanner): Parameters {
  const parameters = Object.create(null) as Parameters;
  while (scanner.skip(";")) {
    const { name, value } = scanner.parameter();
    (parameters[name] ??= []).push(value);
  }
  return parameters;
}

/** Returns extensions as a `Sec-WebSocket-Extensions` field. */
export function format(
  extensions: Readonly<Record<string, WrittenParameters | readonly WrittenParameters[]>>,
): string {
  return Object.entries(extensions)
    .flatMap(([name, offers]) => listOf(offers).map((offer) => formatOffer(name, offer)))
    .join(", ");
}

function formatOffer(name: string, parameters: WrittenParameters): string {
  const written = Object.entries(parameters).flatMap(([parameter, values]) =>
    listOf(values).map((value) => (value === true ? parameter : `${parameter}=${value}`)),
  );
  return [name, ...written].join("; ");
}

function listOf<Item>(items: Item | readonly Item[]): readonly Item[] {
  return Array.isArray(items) ? (items as readonly Item[]) : [items as Item];
}
