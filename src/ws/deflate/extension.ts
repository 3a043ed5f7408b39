import { FieldScanner } from "./field-scanner.ts";

/** The parameters of an extension: each name with its values in order; `true` for no value. */
export type Parameters = Record<string, (string | true)[]>;

/** The offers of each extension, by its name. */
export type Offers = Record<string, Parameters[]>;

/** The value or values of a parameter, to be formatted. */
type Value = string | number | true;
type WrittenParameters = Readonly<Record<string, Value | readonly Value[]>>;

/**
 * Parses a `Sec-WebSocket-Extensions` header.
 *
 * @throws SyntaxError with the position of the mistake
 */
export function parse(header: string): Offers {
  const scanner = new FieldScanner(header);
  // Without a prototype, which no name may reach.
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

/** Formats extensions as a `Sec-WebSocket-Extensions` header. */
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
