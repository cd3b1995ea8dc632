/** Shapes that several resources share. */
import * as v from "valibot";
import * as form from "../text/forms.ts";

/** A name in a body: of an owner, a user. */
export const printable = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,200}$/, "expected 1 to 200 printable ASCII characters without spaces"),
);

/** As the strict reader (tuf/json.ts) takes it; tools/api has the form. */
export const STRICT = { additionalProperties: { $ref: "#/components/schemas/Json" } } as const;

/** A document that clients judge by their own rules, such as a root or a key. */
export const document = v.pipe(v.looseObject({}), v.metadata(STRICT));

/** A signed document, as TUF writes it. */
export const signedDocument = v.pipe(
  v.looseObject({ signed: document, signatures: v.array(document) }),
  v.metadata(STRICT),
);

/** The finding of a rule. */
export const finding = v.object({ code: form.words, message: form.words });

/** The id of the targets, snapshot and timestamp key. */
export const onlineKeys = v.object({
  targets: form.keyId,
  snapshot: form.keyId,
  timestamp: form.keyId,
});

/** The channel that owners' tools mean. */
export const production = {
  production: {
    form: v.literal("1"),
    expected: "1 or nothing",
    about:
      "`1` means the channel prod, which Factories of the ats dialect have. Without it: the first channel.",
  },
} as const;
