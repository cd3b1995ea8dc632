/** The stores of a delivery: server shares, and sealed archives. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { clientOptions } from "../adapters/aws/clients.ts";
import { DynamoShares } from "../adapters/aws/shares.ts";
import type { Ports } from "../service/ports.ts";
import { later } from "./later.ts";

export function deliveryOf(settings: {
  readonly shareTable: string;
  readonly archiveBucket: string;
}): Pick<Ports, "shares" | "archives"> {
  const { shareTable, archiveBucket } = settings;
  return {
    shares: new DynamoShares(new DynamoDBClient(clientOptions()), shareTable),
    archives: later(async () => {
      const { archivesIn } = await import("../adapters/aws/archives.ts");
      return archivesIn(archiveBucket);
    }),
  };
}
