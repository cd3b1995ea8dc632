/**
 * The resources that must outlive every release: tables, buckets and keys, all of them kept when the stack
 * goes, and protected from a deletion by mistake.
 *
 * Backups may hold some of them and not others. Table and signer's table have point-in-time recovery.
 * Shares have neither backup nor stream, and archives no versions: what was destroyed there must be gone,
 * since it opens an owner's root key with a link that mail systems have seen.
 */
import { Duration, RemovalPolicy, Stack, type StackProps } from "aws-cdk-lib";
import {
  AttributeType,
  BillingMode,
  ProjectionType,
  Table,
  TableEncryption,
} from "aws-cdk-lib/aws-dynamodb";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  HttpMethods,
  ObjectOwnership,
} from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import {
  MAIN_TABLE,
  SHARES_TABLE,
  SIGNER_TABLE,
  type TableLayout,
} from "../adapters/aws/tables.ts";
import { acknowledge } from "./acknowledge.ts";
import type { Config } from "./config.ts";
import { ReservedKey } from "./reserved-key.ts";

type TableInUse = Pick<Table, "tableArn" | "tableName">;

export class StatefulStack extends Stack {
  readonly table: TableInUse;
  readonly shareTable: Table;
  readonly signerTable: TableInUse;
  readonly documentBucket: Bucket;
  readonly archiveBucket: Bucket;
  /** ARNs of what the adapters put into the buckets. */
  readonly documents: string;
  readonly archives: string;
  readonly shareKey: ReservedKey;
  readonly sealingKey: ReservedKey;
  readonly archiveKey: ReservedKey;

  constructor(scope: Construct, id: string, config: Config, props?: StackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    const { name, restored } = config;
    const [table, signerTable] = [
      makeTable(this, "Table", MAIN_TABLE),
      makeTable(this, "SignerTable", SIGNER_TABLE),
    ];
    this.table = restored ? Table.fromTableName(this, "Restored", restored.table) : table;
    this.signerTable = restored
      ? Table.fromTableName(this, "RestoredSigner", restored.signerTable)
      : signerTable;
    // Exported also while nobody imports them: CloudFormation takes no export away that the release
    // before still uses, and a restore is no time to find that out.
    for (const own of [table, signerTable]) {
      this.exportValue(own.tableArn);
      this.exportValue(own.tableName);
    }
    this.shareTable = makeTable(this, "ShareTable", SHARES_TABLE);
    acknowledge(this.shareTable, {
      "AwsSolutions-DDB3":
        "a share that was destroyed must be in no backup: with it and the mail's link an archive opens",
    });

    this.shareKey = new ReservedKey(this, "ShareKey", {
      description: "Rootward: wraps server shares of deliveries",
      name,
      uses: { "kms:Encrypt": ["bootstrap"], "kms:Decrypt": ["deliver"] },
    });
    this.sealingKey = new ReservedKey(this, "SealingKey", {
      description: "Rootward: seals online keys",
      name,
      uses: { "kms:Encrypt": ["signer"], "kms:Decrypt": ["signer"] },
    });
    this.archiveKey = new ReservedKey(this, "ArchiveKey", {
      description: "Rootward: encrypts the bucket of sealed archives",
      name,
      uses: { "kms:GenerateDataKey": ["bootstrap"], "kms:Decrypt": ["deliver"] },
    });

    this.archiveBucket = new Bucket(this, "Archives", {
      ...bucketDefaults,
      versioned: false,
      encryption: BucketEncryption.KMS,
      encryptionKey: this.archiveKey,
      bucketKeyEnabled: true,
      cors: [
        {
          allowedOrigins: [pageOrigin(config)],
          allowedMethods: [HttpMethods.GET],
          allowedHeaders: [],
          maxAge: 300,
        },
      ],
    });
    this.documentBucket = new Bucket(this, "Documents", {
      ...bucketDefaults,
      versioned: true,
      encryption: BucketEncryption.S3_MANAGED,
    });
    this.archives = `${this.exportValue(this.archiveBucket.bucketArn)}/archives/*`;
    this.documents = `${this.exportValue(this.documentBucket.bucketArn)}/documents/*`;
    for (const bucket of [this.archiveBucket, this.documentBucket]) {
      acknowledge(bucket, {
        "AwsSolutions-S1":
          "the audit log of the Factory says who claimed and what was published; an access log would " +
          "keep presigned URLs beside it",
      });
    }
  }
}

/** The page is the only script that fetches archives. A name that CloudFront gives is not known yet. */
function pageOrigin({ domain }: Config): string {
  return domain === null ? "https://*.cloudfront.net" : `https://${domain.name}`;
}

const bucketDefaults = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  removalPolicy: RemovalPolicy.RETAIN,
  // Parts of an upload that broke off are no objects, so nothing else would delete them.
  lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(1) }],
};

/** Encrypted with DynamoDB's key of the account: what is secret in an item is wrapped before it comes. */
function makeTable(scope: Construct, id: string, layout: TableLayout): Table {
  const table = new Table(scope, id, {
    ...keysOf(layout),
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.AWS_MANAGED,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: layout.pointInTimeRecovery },
    ...(layout.timeToLive !== undefined && { timeToLiveAttribute: layout.timeToLive }),
    deletionProtection: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  for (const index of layout.indexes) {
    table.addGlobalSecondaryIndex({
      indexName: index.name,
      ...keysOf(index),
      projectionType: ProjectionType[index.projection],
    });
  }
  return table;
}

function keysOf({ partitionKey, sortKey }: Pick<TableLayout, "partitionKey" | "sortKey">) {
  const attribute = ({ name, type }: TableLayout["partitionKey"]) => ({
    name,
    type: type === "S" ? AttributeType.STRING : AttributeType.NUMBER,
  });
  return {
    partitionKey: attribute(partitionKey),
    ...(sortKey && { sortKey: attribute(sortKey) }),
  };
}
