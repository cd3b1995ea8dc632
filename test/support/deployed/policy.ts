/**
 * Whether a function may do something, by the synthesised template alone: its role's statements, and
 * the denials of key policies. Resources go by the names that they have in the template.
 */
import { shown, type Synthesised } from "../../infra/synth.ts";
import type { FunctionName } from "../../../lib/settings.ts";

interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface Asked {
  readonly by: FunctionName;
  readonly action: string;
  /** As `shown` shows it. */
  readonly resource: string;
  /** The partition key of the item, where there is one. */
  readonly leadingKey?: string;
}

export function isAllowed({ stateful, stateless }: Synthesised, asked: Asked): boolean {
  const id = `${asked.by.slice(0, 1).toUpperCase()}${asked.by.slice(1)}Role`;
  const statements = stateless
    .of("AWS::IAM::Policy")
    .filter((policy) => policy.id.startsWith(id))
    .flatMap(({ Properties }) => statementsOf(Properties["PolicyDocument"]));
  if (!statements.some((statement) => allows(statement, asked))) return false;
  const keys = stateful.of("AWS::KMS::Key").filter((key) => key.id.startsWith(asked.resource));
  return !keys.some(({ Properties }) =>
    statementsOf(Properties["KeyPolicy"]).some((statement) => denies(statement, asked)),
  );
}

function statementsOf(document: unknown): readonly Statement[] {
  return (document as { readonly Statement: readonly Statement[] }).Statement;
}

function allows({ Action, Resource, Condition }: Statement, asked: Asked): boolean {
  const resources = [Resource].flat().map(shown);
  const patterns = Condition?.["ForAllValues:StringLike"]?.["dynamodb:LeadingKeys"];
  const keys = patterns === undefined ? ["*"] : (patterns as readonly string[]);
  return (
    [Action].flat().includes(asked.action) &&
    resources.some((pattern) => fits(pattern, asked.resource)) &&
    keys.some((pattern) => fits(pattern, asked.leadingKey ?? ""))
  );
}

function denies({ Effect, Action, Condition }: Statement, { by, action }: Asked): boolean {
  if (Effect !== "Deny" || ![Action].flat().includes(action)) return false;
  const spared = [Condition?.["ArnNotEquals"]?.["aws:PrincipalArn"] ?? []].flat().map(shown);
  return !spared.some((arn) => arn.includes(`:role/rootward-${by}-`));
}

function fits(pattern: string, text: string): boolean {
  const [start = "", ...rest] = pattern.split("*");
  return rest.length === 0 ? pattern === text : text.startsWith(start);
}
