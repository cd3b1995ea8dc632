/** What infra writes into an environment is what the function reads; what is missing is said at once. */
import { describe, expect, test } from "vitest";
import { environmentOf, FUNCTIONS, readSettings } from "../../lib/settings.ts";

const VALUES = {
  table: "main",
  documentBucket: "documents",
  shareTable: "shares",
  shareKey: "arn:share",
  archiveBucket: "archives",
  archiveOrigin: "https://archives.s3.eu-west-1.amazonaws.com",
  signerTable: "signer",
  sealingKey: "arn:seal",
  onlineKeys: "",
  signerFunction: "arn:signer",
  publicUrl: "https://tuf.example.com",
  sender: "",
  configurationSet: "",
  adminToken: "",
  provisionerToken: "",
  clientCertificates: "",
  linksFrom: "",
} as const;

describe.each(FUNCTIONS)("%s", (name) => {
  const env = environmentOf(name, VALUES);

  test("reads what was written, and nothing else", () => {
    const read = readSettings(name, { ...env, ROOTWARD_OTHER: "x" });
    expect(VALUES).toMatchObject(read);
    expect(Object.keys(read)).toHaveLength(Object.keys(env).length);
  });

  test("names every variable that is missing", () => {
    for (const variable of Object.keys(env)) {
      const { [variable]: _, ...rest } = env;
      expect(() => readSettings(name, rest)).toThrow(`settings of ${name}: ${variable}: `);
    }
    expect(() => readSettings(name, {})).toThrow(new RegExp(Object.keys(env).join(".*")));
  });
});

test("a wrong value is named and not shown", () => {
  const env = { ...environmentOf("roots", VALUES), ROOTWARD_PUBLIC_URL: "http://secret.example" };
  expect(() => readSettings("roots", env)).toThrow(/ROOTWARD_PUBLIC_URL: expected https:\/\/HOST$/);
  const token = { ...environmentOf("roots", VALUES), ROOTWARD_ADMIN_TOKEN: "rw_a-token-itself" };
  expect(() => readSettings("roots", token)).not.toThrow(/rw_a/);
  const pipeline = { ...environmentOf("roots", VALUES), ROOTWARD_PROVISIONER_TOKEN: "rw_itself" };
  expect(() => readSettings("roots", pipeline)).toThrow(
    /ROOTWARD_PROVISIONER_TOKEN: expected a SHA-256 in hex$/,
  );
  const metadata = environmentOf("metadata", VALUES);
  const certificates = { ...metadata, ROOTWARD_CLIENT_CERTIFICATES: "yes" };
  expect(() => readSettings("metadata", certificates)).toThrow(
    /ROOTWARD_CLIENT_CERTIFICATES: expected required or nothing$/,
  );
});
