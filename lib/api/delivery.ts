/** The one-time delivery of an archive: its page, and what page and CLI ask (docs/delivery.md). */
import * as v from "valibot";
import { claimAnswer, claimRequest, confirmAnswer, confirmRequest } from "../delivery/claim.ts";
import { DOWNLOAD } from "../delivery/link.ts";
import { operation } from "./operation.ts";

const asset = { method: "GET", access: "public", refusals: [] } as const;

export const downloadPage = /* @__PURE__ */ operation(() => ({
  ...asset,
  id: "downloadPage",
  path: DOWNLOAD,
  title: "The download page",
  about: "Consumes nothing. The secret of a link is in the fragment, which no client sends.",
  answers: { 200: "The page." },
  answer: { media: "text/html" },
}));

export const downloadScript = /* @__PURE__ */ operation(() => ({
  ...asset,
  id: "downloadScript",
  path: `${DOWNLOAD}/page.js`,
  title: "The page's script",
  answers: { 200: "The script." },
  answer: { media: "text/javascript" },
}));

export const downloadStyle = /* @__PURE__ */ operation(() => ({
  ...asset,
  id: "downloadStyle",
  path: `${DOWNLOAD}/page.css`,
  title: "The page's style sheet",
  answers: { 200: "The style sheet." },
  answer: { media: "text/css" },
}));

const refusals = [
  "not-found",
  "delivery-used",
  "delivery-expired",
  "delivery-replaced",
  "busy",
] as const;

export const claimDelivery = /* @__PURE__ */ operation(() => ({
  id: "claimDelivery",
  method: "POST",
  path: `${DOWNLOAD}/claim`,
  access: "public",
  title: "Claim a delivery",
  about: "Exactly one claimant gets it. The same claimant may ask again until the lease ends.",
  body: claimRequest,
  answers: { 200: "Where the sealed archive is, and what opens it together with the link." },
  answer: claimAnswer,
  refusals,
}));

export const confirmDelivery = /* @__PURE__ */ operation(() => ({
  id: "confirmDelivery",
  method: "POST",
  path: `${DOWNLOAD}/confirm`,
  access: "public",
  title: "Confirm a delivery",
  about: "Says that the archive is safe. The service destroys its copy before it answers.",
  body: confirmRequest,
  answers: { 200: "The Factory is live." },
  answer: confirmAnswer,
  refusals: [...refusals, "delivery-mismatch"],
}));

const inUrl = {
  form: v.string(),
  expected: "what the URL had",
  about: "As in the URL of the claim.",
};

export const readArchive = /* @__PURE__ */ operation(() => ({
  id: "readArchive",
  method: "GET",
  path: `${DOWNLOAD}/archive/{delivery}`,
  access: "public",
  title: "Fetch the sealed archive",
  about: "By the URL that a claim answered with. In the AWS form that URL leads to S3 instead.",
  query: { until: inUrl, mac: inUrl },
  answers: { 200: "The sealed archive." },
  answer: { media: "application/octet-stream" },
  refusals: ["forbidden"],
}));
