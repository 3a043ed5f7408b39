import type { StandardSchema } from "../../topics/index.ts";

/** A JSON Schema, draft 7, which AsyncAPI's own schemas extend. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * A schema that its library can convert to JSON Schema. (standardschema.dev, Standard JSON Schema,
 * version 1)
 */
interface Convertible {
  readonly jsonSchema?: {
    readonly input: (options: { target: "draft-07" }) => JsonSchema;
  };
}

/**
 * Converts `schema` to JSON Schema; accepts anything if there is no schema, or if its library
 * cannot convert it.
 *
 * Zod from 4.2 and ArkType from 2.1.28 can; for Valibot, pass what `toStandardJsonSchema` of
 * `@valibot/to-json-schema` returns.
 */
export function jsonSchemaOf(schema: StandardSchema<unknown, unknown> | undefined): JsonSchema {
  const { jsonSchema } = (schema?.["~standard"] ?? {}) as Convertible;
  const { $schema: _version, ...shape } = jsonSchema?.input({ target: "draft-07" }) ?? {};
  return shape;
}
