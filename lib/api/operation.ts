/**
 * One operation of the HTTP API, described once: the server serves it by this description, every client
 * of ours asks by it, and docs/openapi.yaml is written from it. Schemas of answers have the strict forms
 * of text/forms.ts, since clients take nothing else; tests hold the server to them.
 */
import type * as v from "valibot";
import type { ErrorCode } from "../error.ts";
import type { FACTORY_SCOPES } from "../state/scopes.ts";

/**
 * The authorisation that an operation needs. A scope is one of a token for the Factory in the path; an
 * admin's token has all of them. `provisioner` is a token with `factory:create` that is bound to no
 * Factory. `state` is a token with `root:read` of the Factory, or a provisioner's.
 */
export type Access = "public" | "provisioner" | "state" | (typeof FACTORY_SCOPES)[number];

/** A query parameter or a header. */
export interface Parameter {
  readonly form: v.GenericSchema<string>;
  /** The form in words, as a refusal says it: "1 or nothing". */
  readonly expected: string;
  readonly about: string;
}

export interface Operation {
  /** Its name in docs/openapi.yaml. */
  readonly id: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** A template: `/ota/factories/{factory}/`; see path.ts. */
  readonly path: string;
  readonly access: Access;
  /** A few words. */
  readonly title: string;
  readonly about?: string;
  /** Releases of fioctl ask this, too. */
  readonly fioctl?: true;
  /** HEAD is refused, since this GET changes something. */
  readonly head?: false;
  readonly query?: Readonly<Record<string, Parameter>>;
  readonly headers?: Readonly<Record<string, Parameter>>;
  /** The schema of a JSON body. */
  readonly body?: v.GenericSchema;
  /** The further rules of the use case, which has findings of its own. */
  readonly accepted?: v.GenericSchema;
  /** The meaning of each status, but those of errors. */
  readonly answers: Readonly<Record<number, string>>;
  /** The content of these answers, except 204 and 304. Null for nothing. */
  readonly answer: v.GenericSchema | { readonly media: string } | null;
  /** The codes of its own; refusals.ts adds those that come with access and body. */
  readonly refusals: readonly ErrorCode[];
}

/**
 * Keeps the exact type, from which handlers and clients take theirs.
 *
 * @param describe a function, so that a bundle leaves out what nothing in it uses, where the call is
 *   marked as pure
 */
export function operation<const O extends Operation>(describe: () => O): O {
  return describe();
}

/** The same, readonly at every depth. */
type Immutable<T> = unknown extends T
  ? T
  : T extends (infer E)[]
    ? readonly Immutable<E>[]
    : T extends string | number | boolean | null | undefined
      ? T
      : { readonly [K in keyof T]: Immutable<T[K]> };

/** The answer of an operation, as the server writes it. */
export type AnswerOf<O extends JsonOperation> = Immutable<v.InferInput<O["answer"]>>;

/** An operation whose answer is JSON that a schema describes. */
export type JsonOperation = Operation & { readonly answer: v.GenericSchema };
/** An operation that takes a JSON body. */
export type BodyOperation = Operation & { readonly body: v.GenericSchema };
