import { LongwireError } from "../../base/index.ts";
import { ApplicationError, isStrayPromise, type CalledFunction } from "../application-error.ts";

/**
 * The part of the Standard Schema interface that Longwire uses; valibot, zod, arktype and others
 * implement it. (standardschema.dev, version 1)
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
    readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>;
  };
}

type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

export type Validation = { kind: "valid"; value: unknown } | { kind: "invalid"; message: string };

/**
 * Validates `value`. The message of an invalid value is the first issue with its path.
 *
 * @param of names the schema in errors, such as `The data schema of the topic "prices"`
 * @throws ApplicationError if the schema throws or is asynchronous
 */
export function validate(
  schema: StandardSchema | undefined,
  value: unknown,
  of: () => string,
): Validation {
  if (schema === undefined) return { kind: "valid", value };
  const called = (): CalledFunction => ({ name: of(), occasion: "on a value" });
  const result = checkedBy(schema, value, called);
  if (result.issues === undefined) return { kind: "valid", value: result.value };
  const [issue] = result.issues;
  const path = issue?.path?.map(segment).join(".") ?? "";
  const message = issue?.message ?? "The value does not match its schema.";
  return { kind: "invalid", message: path === "" ? message : `${path}: ${message}` };
}

function checkedBy(
  schema: StandardSchema,
  value: unknown,
  called: () => CalledFunction,
): StandardResult<unknown> {
  let result: StandardResult<unknown> | Promise<StandardResult<unknown>>;
  try {
    result = schema["~standard"].validate(value);
  } catch (cause) {
    throw new ApplicationError(called(), cause);
  }
  if (!isStrayPromise(result)) return result as StandardResult<unknown>;
  const message = "It is asynchronous; give a synchronous schema";
  throw new ApplicationError(called(), new LongwireError("invalid_schema", message));
}

function segment(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === "object" ? part.key : part);
}
