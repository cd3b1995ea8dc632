/** What nearly every function on DynamoDB pays before it has said a word of its own: the SDK's client. */
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";

const client = new DynamoDBClient({});

export const handler = async (): Promise<string> => client.config.serviceId;
