/** The tokens of a Factory. */
import * as v from "valibot";
import { FACTORY_SCOPES, SCOPES } from "../state/scopes.ts";
import * as form from "../text/forms.ts";
import { TIME } from "../tuf/expires.ts";
import { operation } from "./operation.ts";
import { FACTORY } from "./path.ts";
import { printable } from "./shapes.ts";

const token = {
  id: form.words,
  user: form.words,
  scopes: v.array(v.picklist(SCOPES)),
  /** Null for never. */
  expiresAt: v.nullable(form.time),
  /** The id of the token that made it; null for the first ones. */
  mintedBy: v.nullable(form.words),
};

export const listTokens = /* @__PURE__ */ operation(() => ({
  id: "listTokens",
  method: "GET",
  path: `${FACTORY}tokens/`,
  access: "root:update",
  title: "List the tokens",
  answers: { 200: "The tokens that are not revoked. None of them is in the answer itself." },
  answer: v.object({ tokens: v.array(v.object(token)) }),
  refusals: [],
}));

export const createToken = /* @__PURE__ */ operation(() => ({
  id: "createToken",
  method: "POST",
  path: `${FACTORY}tokens/`,
  access: "root:update",
  title: "Make a token",
  about: "It can do no more, and lasts no longer, than the token that makes it.",
  body: v.strictObject({
    user: printable,
    scopes: v.pipe(v.array(v.picklist(FACTORY_SCOPES)), v.minLength(1)),
    expiresAt: v.optional(
      v.pipe(
        v.string(),
        form.described<string>(TIME, {
          format: "date-time",
          description: "YYYY-MM-DDTHH:MM:SSZ; never unless given.",
        }),
      ),
    ),
  }),
  answers: { 201: "The token, in this answer only." },
  answer: v.object({ ...token, token: form.ownerToken }),
  refusals: ["busy"],
}));

export const revokeToken = /* @__PURE__ */ operation(() => ({
  id: "revokeToken",
  method: "DELETE",
  path: `${FACTORY}tokens/{token}`,
  access: "root:update",
  title: "Revoke a token",
  answers: { 204: "It no longer works." },
  answer: null,
  refusals: ["busy"],
}));
