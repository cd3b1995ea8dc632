/** Heads, documents, tokens, requests and turns of a function, from its settings. */
import { randomBytes } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { clientOptions } from "../adapters/aws/clients.ts";
import { DynamoDocuments } from "../adapters/aws/documents.ts";
import { DynamoHeads } from "../adapters/aws/heads.ts";
import { DynamoRequests } from "../adapters/aws/requests.ts";
import { DynamoTokens } from "../adapters/aws/tokens.ts";
import { DynamoTurns } from "../adapters/aws/turns.ts";
import type { Ports } from "../service/ports.ts";
import type { Settings } from "../settings.ts";
import { later } from "./later.ts";
import { withOperatorTokens, type OperatorHashes } from "./operator-tokens.ts";

type Store = Pick<Ports, "heads" | "documents" | "tokens" | "requests" | "turns">;
type Places = Pick<Settings<"metadata">, "table" | "documentBucket">;

/** @param settings without the operator's tokens where nobody is authorised */
export function storeOf(settings: Places & Partial<OperatorHashes>): Store {
  const { table, documentBucket, adminToken = "", provisionerToken = "" } = settings;
  const dynamo = new DynamoDBClient(clientOptions());
  const objects = later(async () => {
    const { objectsIn } = await import("../adapters/aws/objects.ts");
    return objectsIn(documentBucket);
  });
  return {
    heads: new DynamoHeads(dynamo, table),
    documents: new DynamoDocuments({ dynamo, table, objects, now: Date.now }),
    tokens: withOperatorTokens(new DynamoTokens(dynamo, table), { adminToken, provisionerToken }),
    requests: new DynamoRequests(dynamo, table),
    turns: new DynamoTurns({
      client: dynamo,
      table,
      now: Date.now,
      randomBytes: (length) => new Uint8Array(randomBytes(length)),
    }),
  };
}
