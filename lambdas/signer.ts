/**
 * The signing boundary: the only function that may use online keys, and that reads or writes the
 * signer's records. It is invoked by three others, with the objects of lib/signing/operations.ts.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { clientOptions } from "../lib/adapters/aws/clients.ts";
import { KmsWrapper } from "../lib/adapters/aws/key-wrapper.ts";
import { KmsKeys } from "../lib/adapters/aws/kms-keys.ts";
import { DynamoSignerRecords } from "../lib/adapters/aws/signer-records.ts";
import { DEFAULT_REFRESH } from "../lib/state/schedule.ts";
import { signerHandler } from "../lib/lambda/signer-handler.ts";
import { readSettings } from "../lib/settings.ts";
import { Boundary } from "../lib/signing/boundary.ts";
import { readKeyRules } from "../lib/signing/key-store.ts";
import { SealedKeys } from "../lib/signing/sealed-keys.ts";

const { signerTable, sealingKey, onlineKeys } = readSettings("signer", process.env);
const kms = new KMSClient(clientOptions());
const boundary = new Boundary({
  records: new DynamoSignerRecords(new DynamoDBClient(clientOptions()), signerTable),
  stores: { sealed: new SealedKeys(new KmsWrapper(kms, sealingKey)), kms: new KmsKeys(kms) },
  kindOf: readKeyRules(onlineKeys),
  policy: DEFAULT_REFRESH,
  now: Date.now,
});

export const handler = signerHandler({ id: signerTable, boundary });
