/** The metadata that devices read. */
import * as v from "valibot";
import { operation } from "./operation.ts";
import { DEVICES } from "./path.ts";
import { signedDocument } from "./shapes.ts";

export const readMetadata = /* @__PURE__ */ operation(() => ({
  id: "readMetadata",
  method: "GET",
  path: `${DEVICES}{factory}/{channel}/{file}`,
  access: "public",
  title: "Read metadata",
  about: "At the names that TUF clients ask for, and only once the Factory is live.",
  headers: {
    "If-None-Match": {
      form: v.string(),
      expected: "entity tags",
      about: "Where one of them is that of the document, the answer is 304.",
    },
  },
  answers: { 200: "The signed document.", 304: "The client has it already." },
  answer: signedDocument,
  // Where devices have certificates, those without one.
  refusals: ["forbidden"],
}));
