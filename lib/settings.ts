/**
 * The environment variables of each function of the AWS form. Infra writes exactly these and the functions
 * read them, so a name that only one side knows does not compile. None of them is a secret.
 */
import * as v from "valibot";

export const FUNCTIONS = [
  "bootstrap",
  "deliver",
  "roots",
  "metadata",
  "signer",
  "refresh",
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

const HOST = /^https:\/\/[^\s/?#]+$/;
const given = v.pipe(v.string(), v.nonEmpty("expected a value"));
const hashOrEmpty = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{64})?$/, "expected a SHA-256 in hex"));

const VALUES = {
  /** Heads, documents, tokens and requests. */
  table: given,
  /** Documents that are too large for the table. */
  documentBucket: given,
  shareTable: given,
  /** ARN of the key that wraps shares. */
  shareKey: given,
  archiveBucket: given,
  /** Where presigned URLs of archives lead: the download page may fetch from there. */
  archiveOrigin: v.pipe(v.string(), v.regex(HOST, "expected https://HOST")),
  signerTable: given,
  /** ARN of the key that seals online keys. */
  sealingKey: given,
  /** Where new online keys are kept: rules as of `--online-keys`; sealed where it is empty. */
  onlineKeys: v.string(),
  /** ARN of the signer. */
  signerFunction: given,
  /** https://HOST, without a final slash. */
  publicUrl: v.pipe(v.string(), v.regex(HOST, "expected https://HOST")),
  /** The address that mail comes from; empty where none is sent. */
  sender: v.string(),
  configurationSet: v.string(),
  /** SHA-256 (hex) of the operator's token of all scopes; empty where there is none. */
  adminToken: hashOrEmpty,
  /** The same of the token that makes Factories. */
  provisionerToken: hashOrEmpty,
  /** Links made before this time (`YYYY-MM-DDTHH:MM:SSZ`) yield nothing; empty where all do. */
  linksFrom: v.pipe(
    v.string(),
    v.check((text) => text === "" || isTime(text), "expected YYYY-MM-DDTHH:MM:SSZ"),
  ),
  /** Whether what devices read is for those with a client certificate; empty where it is for everybody. */
  clientCertificates: v.picklist(["required", ""], "expected required or nothing"),
} as const;
type Values = { readonly [K in keyof typeof VALUES]: v.InferOutput<(typeof VALUES)[K]> };

const STORE = ["table", "documentBucket"] as const;
const MAIL = ["sender", "configurationSet", "publicUrl"] as const;
const DELIVERY = ["shareTable", "archiveBucket"] as const;
const OPERATORS = ["adminToken", "provisionerToken"] as const;

const NEEDED = {
  bootstrap: [...STORE, ...MAIL, ...DELIVERY, "shareKey", "signerFunction", ...OPERATORS],
  deliver: [...STORE, ...MAIL, ...DELIVERY, "archiveOrigin", "shareKey", "linksFrom", ...OPERATORS],
  roots: [...STORE, ...MAIL, "signerFunction", ...OPERATORS],
  metadata: [...STORE, "clientCertificates"],
  signer: ["signerTable", "sealingKey", "onlineKeys"],
  refresh: [...STORE, ...MAIL, ...DELIVERY, "signerFunction"],
} as const satisfies Record<FunctionName, readonly (keyof Values)[]>;

export type Settings<F extends FunctionName> = Pick<Values, (typeof NEEDED)[F][number]>;

/** Whether a text is a time that there is, `YYYY-MM-DDTHH:MM:SSZ`. */
export function isTime(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && new Date(time).toISOString() === text.replace(/Z$/, ".000Z");
}

/**
 * The EventBridge `source` of this installation, for rules on the account's bus. Its host, since that is
 * how everybody else knows it, and since one account may hold several.
 */
export function eventSource(publicUrl: string): string {
  return `rootward.${publicUrl.slice("https://".length)}`;
}

/** @throws Error that names every variable that is missing or wrong, and no value */
export function readSettings<F extends FunctionName>(
  name: F,
  env: Readonly<Record<string, string | undefined>>,
): Settings<F> {
  const wrong: string[] = [];
  const values = NEEDED[name].map((key: keyof Values) => {
    const variable = variableOf(key);
    const parsed = v.safeParse(VALUES[key], env[variable]);
    if (!parsed.success) wrong.push(`${variable}: ${parsed.issues[0].message}`);
    return [key, parsed.output];
  });
  if (wrong.length > 0) throw new Error(`settings of ${name}: ${wrong.join("; ")}`);
  return Object.fromEntries(values) as Settings<F>;
}

/** The environment that {@link readSettings} reads. */
export function environmentOf<F extends FunctionName>(
  name: F,
  values: Settings<F>,
): Readonly<Record<string, string>> {
  const all = values as Partial<Values>;
  return Object.fromEntries(
    NEEDED[name].map((key: keyof Values) => [variableOf(key), all[key] ?? ""]),
  );
}

function variableOf(key: keyof Values): string {
  return `ROOTWARD_${key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
}
