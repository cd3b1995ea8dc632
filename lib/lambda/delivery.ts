/** What a delivery is kept in: server shares, and sealed archives. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { KMSClient } from "@aws-sdk/client-kms";
import { S3Client } from "@aws-sdk/client-s3";
import { S3Archives } from "../adapters/aws/archives.ts";
import { clientOptions } from "../adapters/aws/clients.ts";
import { KmsWrapper } from "../adapters/aws/key-wrapper.ts";
import { DynamoShares } from "../adapters/aws/shares.ts";
import type { KeyWrapper, Ports } from "../service/ports.ts";

export function deliveryOf(settings: {
  readonly shareTable: string;
  readonly archiveBucket: string;
}): Pick<Ports, "shares" | "archives"> {
  return {
    shares: new DynamoShares(new DynamoDBClient(clientOptions()), settings.shareTable),
    archives: new S3Archives(new S3Client(clientOptions()), settings.archiveBucket, Date.now),
  };
}

/** Wraps, or unwraps, as the function's rights to the key allow. */
export function wrapperOf(key: string): KeyWrapper {
  return new KmsWrapper(new KMSClient(clientOptions()), key);
}
