import { isPending } from "./awaitable.ts";

/**
 * The part of the Standard Schema interface that Longwire uses: valibot, zod, arktype and others
 * have it. (standardschema.dev, version 1)
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

/** Checks `value`; the first issue, with its path, becomes the message. */
export function validate(schema: StandardSchema | undefined, value: unknown): Validation {
  if (schema === undefined) return { kind: "valid", value };
  const result = schema["~standard"].validate(value);
  if (isPending(result)) {
    return { kind: "invalid", message: "The schema is asynchronous; give one that is not." };
  }
  if (result.issues === undefined) return { kind: "valid", value: result.value };
  const [issue] = result.issues;
  const path = issue?.path?.map(segment).join(".") ?? "";
  const message = issue?.message ?? "It does not fit its schema.";
  return { kind: "invalid", message: path === "" ? message : `${path}: ${message}` };
}

function segment(part: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof part === "object" ? part.key : part);
}
