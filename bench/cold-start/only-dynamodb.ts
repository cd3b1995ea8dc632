/**
 * The price that nearly every function on DynamoDB pays before its own code runs: the SDK's client.
 */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient({});

export const handler = async (): Promise<string> => client.config.serviceId;
