import type { StandardSchema } from "../../topics/index.ts";

/** A JSON Schema, draft 7, which AsyncAPI's own schemas extend. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * What schema libraries have that can say what they check. (standardschema.dev, Standard JSON
 * Schema, version 1)
 */
interface Convertible {
  readonly jsonSchema?: {
    readonly input: (options: { target: "draft-07" }) => JsonSchema;
  };
}

/**
 * What `schema` takes, as JSON Schema; anything if there is none, or if its library can't say.
 *
 * Zod from 4.2 and ArkType from 2.1.28 on can; of Valibot it is what `toStandardJsonSchema` of
 * `@valibot/to-json-schema` returns.
 */
export function jsonSchemaOf(schema: StandardSchema<unknown, unknown> | undefined): JsonSchema {
  const { jsonSchema } = (schema?.["~standard"] ?? {}) as Convertible;
  const { $schema: _version, ...shape } = jsonSchema?.input({ target: "draft-07" }) ?? {};
  return shape;
}
