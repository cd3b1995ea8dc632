/** The description in lib/api as OpenAPI 3.1. */
import type * as v from "valibot";
import { RESOURCES } from "../../lib/api/api.ts";
import type { Operation, Parameter } from "../../lib/api/operation.ts";
import { PARTS, partsOf } from "../../lib/api/path.ts";
import { refusal, refusalsOf } from "../../lib/api/refusals.ts";
import { STATUS } from "../../lib/api/status.ts";
import type { ErrorCode } from "../../lib/error.ts";
import { jsonSchema, type JsonSchema } from "./schema.ts";

type Json = Readonly<Record<string, unknown>>;

export const ACCESS: Readonly<Record<Operation["access"], string>> = {
  public: "no token",
  provisioner: "a token with `factory:create` that is bound to no Factory",
  state:
    "a token with `root:read` of the Factory, or one with `factory:create` that is bound to none",
  "root:read": "a token with `root:read` of the Factory",
  "root:update": "a token with `root:update` of the Factory",
  "targets:update": "a token with `targets:update` of the Factory",
};

/** The scope that a token must have; a `state` may also be read with `factory:create`. */
function scopesOf({ access }: Operation): readonly string[] {
  if (access === "public") return [];
  if (access === "provisioner") return ["factory:create"];
  return access === "state" ? ["root:read", "factory:create"] : [access];
}

/** Codes by status, in the order of the statuses. */
function refusalsByStatus(operation: Operation): ReadonlyMap<number, readonly ErrorCode[]> {
  const codes = refusalsOf(operation);
  const statuses = [...new Set(codes.map((code) => STATUS[code]))].sort((a, b) => a - b);
  return new Map(
    statuses.map((status) => [status, codes.filter((code) => STATUS[code] === status)]),
  );
}

/** @param version of the software */
export function openApi(version: string): Json {
  const refusals = new Map<string, Json>();
  const paths: Record<string, Record<string, Json>> = {};
  for (const { name, operations } of RESOURCES) {
    for (const operation of operations) {
      paths[operation.path] = {
        ...paths[operation.path],
        [operation.method.toLowerCase()]: describe(operation, name, refusals),
      };
    }
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Rootward",
      version,
      description: INTRODUCTION,
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: RESOURCES.map(({ name }) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        "OSF-TOKEN": {
          type: "apiKey",
          in: "header",
          name: "OSF-TOKEN",
          description: "As fioctl sends it.",
        },
        bearer: { type: "http", scheme: "bearer" },
      },
      schemas: { Refusal: jsonSchema(refusal), Json: JSON_VALUE },
      responses: Object.fromEntries([...refusals].sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  };
}

const INTRODUCTION =
  "Written by `npm run api` from lib/api; see docs/api.md for people. The list beside a security scheme has " +
  "the scopes of which a token needs one. An operation that fioctl asks, too, has `x-fioctl`. Clients must " +
  "take answers with further members.";

function describe(operation: Operation, tag: string, refusals: Map<string, Json>): Json {
  const { id, title, about, access, fioctl, body, accepted, answers } = operation;
  const scopes = scopesOf(operation);
  return {
    operationId: id,
    tags: [tag],
    summary: title,
    ...(about !== undefined && { description: about }),
    ...(fioctl && { "x-fioctl": true }),
    security: access === "public" ? [] : [{ "OSF-TOKEN": scopes }, { bearer: scopes }],
    parameters: parametersOf(operation),
    ...(body && { requestBody: { required: true, content: json(accepted ?? body) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, description]) => [
          status,
          { description, ...contentOf(operation, Number(status)) },
        ]),
      ),
      ...Object.fromEntries(
        [...refusalsByStatus(operation)].map(([status, codes]) => [
          status,
          status in answers
            ? {
                description: `${answers[status]} Or: ${codes.join(", ")}.`,
                content: eitherOf(operation, codes),
              }
            : refusalRef(status, codes, refusals),
        ]),
      ),
    },
  };
}

function parametersOf(operation: Operation): readonly Json[] {
  const { path, query = {}, headers = {} } = operation;
  const sent = (where: "query" | "header", parameters: Readonly<Record<string, Parameter>>) =>
    Object.entries(parameters).map(([name, { form, about }]) => ({
      name,
      in: where,
      required: false,
      description: about,
      schema: jsonSchema(form),
    }));
  return [
    ...partsOf(path).map((name) => ({
      name,
      in: "path",
      required: true,
      description: PARTS[name].about,
      schema: { type: "string", pattern: PARTS[name].form.source },
    })),
    ...sent("query", query),
    ...sent("header", headers),
  ];
}

/** Statuses whose answers have no body (RFC 9110). */
const EMPTY = [204, 304];

function contentOf({ answer }: Operation, status: number): Json {
  if (answer === null || EMPTY.includes(status)) return {};
  return { content: "media" in answer ? { [answer.media]: {} } : json(answer) };
}

function json(schema: v.GenericSchema): Json {
  return { "application/json": { schema: jsonSchema(schema) } };
}

const refusalOf = (codes: readonly ErrorCode[]): JsonSchema => ({
  allOf: [{ $ref: "#/components/schemas/Refusal" }],
  properties: { code: { enum: codes } },
});

/** The numbers that the strict reader takes (lib/tuf/json.ts). */
const JSON_VALUE = {
  description:
    "JSON whose numbers are integers, written plainly, and whose objects have each name once; at most 32 levels deep.",
  anyOf: [
    { type: ["null", "boolean", "string"] },
    { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
    { type: "array", items: { $ref: "#/components/schemas/Json" } },
    { type: "object", additionalProperties: { $ref: "#/components/schemas/Json" } },
  ],
};

/** One answer for each set of codes, whatever operation has it. */
function refusalRef(
  status: number,
  codes: readonly ErrorCode[],
  refusals: Map<string, Json>,
): Json {
  const name = codes.join(".");
  refusals.set(name, {
    description: codes.join(", "),
    ...(RETRIED.includes(status) && { headers: RETRY_AFTER }),
    content: { "application/json": { schema: refusalOf(codes) } },
  });
  return { $ref: `#/components/responses/${name}` };
}

/** /readyz answers 503 by itself, too. */
function eitherOf({ answer }: Operation, codes: readonly ErrorCode[]): Json {
  const own = answer === null || "media" in answer ? {} : jsonSchema(answer);
  return { "application/json": { schema: { anyOf: [own, refusalOf(codes)] } } };
}

const RETRIED = [STATUS.busy, STATUS.unavailable];
const RETRY_AFTER = {
  "Retry-After": {
    description: "Seconds after which the request may be sent again as it is.",
    schema: { type: "string", pattern: "^[1-9][0-9]*$" },
  },
};
