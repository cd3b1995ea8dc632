/** Heads, documents, tokens and requests of a function, from its settings. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { clientOptions } from "../adapters/aws/clients.ts";
import { DynamoDocuments } from "../adapters/aws/documents.ts";
import { DynamoHeads } from "../adapters/aws/heads.ts";
import { DynamoRequests } from "../adapters/aws/requests.ts";
import { DynamoTokens } from "../adapters/aws/tokens.ts";
import type { Ports } from "../service/ports.ts";
import type { Settings } from "../settings.ts";
import { withAdminToken } from "./admin-token.ts";
import { later } from "./later.ts";

type Store = Pick<Ports, "heads" | "documents" | "tokens" | "requests">;

/** @param settings without `adminToken` where nobody is authorised */
export function storeOf(settings: Settings<"metadata"> & { readonly adminToken?: string }): Store {
  const { table, documentBucket, adminToken = "" } = settings;
  const dynamo = new DynamoDBClient(clientOptions());
  const objects = later(async () => {
    const { objectsIn } = await import("../adapters/aws/objects.ts");
    return objectsIn(documentBucket);
  });
  return {
    heads: new DynamoHeads(dynamo, table),
    documents: new DynamoDocuments({ dynamo, table, objects, now: Date.now }),
    tokens: withAdminToken(new DynamoTokens(dynamo, table), adminToken),
    requests: new DynamoRequests(dynamo, table),
  };
}
