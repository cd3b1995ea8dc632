/** Shapes that several resources share. */
import * as v from "valibot";
import * as form from "../text/forms.ts";

/** A name in a body: of an owner, a user. */
export const printable = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,200}$/, "expected 1 to 200 printable ASCII characters without spaces"),
);

/** A document that clients judge by their own rules, such as a root or a key. */
export const document = v.looseObject({});

/** A signed document, as TUF writes it. */
export const signedDocument = v.looseObject({ signed: document, signatures: v.array(document) });

/** What a rule found. */
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
