/** A request as its description in lib/api knows it, and the answers that the description has. */
import type { Context, Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import * as v from "valibot";
import type { Access, AnswerOf, JsonOperation, Operation, Parameter } from "../api/operation.ts";
import { honoPath, valueIn, type PathValues } from "../api/path.ts";
import { RootwardError } from "../error.ts";
import type { Head } from "../state/head.ts";
import { isFactoryName, type FactoryName } from "../state/names.ts";
import type { Principal } from "../service/authority.ts";
import { queryOf } from "./query.ts";
import { routes } from "./routes.ts";

/** The authorisation that a token gave. */
export type Allowed<A extends Access> = A extends "public"
  ? null
  : A extends "provisioner"
    ? { readonly principal: Principal }
    : { readonly principal: Principal; readonly head: Head };

type Names<T> = T extends object ? Extract<keyof T, string> : never;
export type Answer<O> = O extends JsonOperation ? AnswerOf<O> : never;
type Status<O extends Operation> = Extract<keyof O["answers"], number>;

/** One request, as far as the description knows it. */
export class Ask<O extends Operation> {
  readonly c: Context;
  readonly allowed: Allowed<O["access"]>;
  readonly operation: O;

  constructor(c: Context, operation: O, allowed: Allowed<O["access"]>) {
    this.c = c;
    this.operation = operation;
    this.allowed = allowed;
  }

  /** A part of the path, as it came. */
  part(name: Extract<keyof PathValues<O["path"]>, string>): string {
    return valueIn(this.operation.path, name, this.c.req.param(name) ?? "");
  }

  /** @throws RootwardError `malformed` where it has not its form */
  query(name: Names<O["query"]>): string | undefined {
    return inForm(`query ${name}`, this.operation.query?.[name], queryOf(this.c, name));
  }

  /** @throws RootwardError `malformed` where it has not its form */
  header(name: Names<O["headers"]>): string | undefined {
    return inForm(name, this.operation.headers?.[name], this.c.req.header(name));
  }

  answer(status: Status<O>, value: Answer<O>): Response {
    return this.c.json(value as object, status as ContentfulStatusCode);
  }
}

export type PublicOperation = Operation & { readonly access: "public" };

/** The route of an operation that needs no token: what has only such routes carries no authorisation. */
export function servePublic<const O extends PublicOperation>(
  app: Hono,
  operation: O,
  handle: (ask: Ask<O>) => Promise<Response> | Response,
): void {
  const handler = (c: Context) => handle(new Ask(c, operation, null as Allowed<O["access"]>));
  routes(app, honoPath(operation.path), { [operation.method]: handler });
}

/** The Factory in the path; a name that no Factory can have does not exist. */
export function factoryParam(c: Context): FactoryName {
  const name = c.req.param("factory") ?? "";
  if (!isFactoryName(name)) {
    throw new RootwardError("not-found", "no such Factory: names are ^[a-z0-9][a-z0-9-]{1,62}$");
  }
  return name;
}

function inForm(
  name: string,
  parameter: Parameter | undefined,
  value: string | undefined,
): string | undefined {
  if (value === undefined || parameter === undefined || v.is(parameter.form, value)) return value;
  throw new RootwardError("malformed", `${name}: expected ${parameter.expected}`);
}
