/** JSON Schema (2020-12, as OpenAPI 3.1 has it) of what is on the wire. */
import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Checks have no form in JSON Schema: what they ask is in the metadata beside them, and so is that of a
 * custom schema.
 */
export function jsonSchema(schema: v.GenericSchema): JsonSchema {
  const { $schema: _, ...made } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    ignoreActions: ["check"],
    overrideSchema: ({ valibotSchema }) =>
      valibotSchema.type === "custom" ? {} : ofRecord(valibotSchema),
  });
  return made;
}

/** A record whose keys are some names: an object that may have each of them. */
function ofRecord(schema: object) {
  const { type, key, value } = schema as Partial<
    v.RecordSchema<v.PicklistSchema<readonly string[], undefined>, v.GenericSchema, undefined>
  >;
  if (type !== "record" || key?.type !== "picklist" || value === undefined) return undefined;
  const members = key.options.map((name) => [name, jsonSchema(value)] as const);
  return {
    type: "object",
    properties: Object.fromEntries(members),
    additionalProperties: false,
  } as const;
}
