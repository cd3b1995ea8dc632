/**
 * The templates as CloudFormation would read them: every resource gets the name that it has on the
 * emulators, and every reference leads there. So a reference to the wrong resource is a call to the
 * wrong resource, and not a name that a test made up as well.
 */
import type { Resource, Synthesised } from "../../infra/synth.ts";

export const REGION = "eu-west-1";
export const ACCOUNT = "111122223333";

const PSEUDO: Readonly<Record<string, string>> = {
  "AWS::AccountId": ACCOUNT,
  "AWS::Partition": "aws",
  "AWS::Region": REGION,
  "AWS::URLSuffix": "amazonaws.com",
};

/** What `Ref` gives, and each `Fn::GetAtt` that a template here asks for. */
interface Names {
  readonly ref: string;
  readonly [attribute: string]: string;
}

const arn = (service: string, rest: string): string =>
  `arn:aws:${service}:${REGION}:${ACCOUNT}:${rest}`;

/** By type. A type that is not here has its logical id as its name, and no attributes. */
const NAMES: Readonly<Record<string, (id: string, properties: Properties) => Names>> = {
  "AWS::DynamoDB::Table": (id) => ({ ref: id, Arn: arn("dynamodb", `table/${id}`) }),
  "AWS::S3::Bucket": (id) => {
    const ref = id.toLowerCase();
    return {
      ref,
      Arn: `arn:aws:s3:::${ref}`,
      RegionalDomainName: `${ref}.s3.${REGION}.amazonaws.com`,
    };
  },
  "AWS::IAM::Role": (_, { RoleName }) => {
    const ref = String(RoleName);
    return { ref, Arn: `arn:aws:iam::${ACCOUNT}:role/${ref}` };
  },
  "AWS::Lambda::Function": (id) => ({ ref: id, Arn: arn("lambda", `function:${id}`) }),
  "AWS::Logs::LogGroup": (id) => ({ ref: id, Arn: arn("logs", `log-group:${id}:*`) }),
  "AWS::Events::Rule": (id) => ({ ref: id, Arn: arn("events", `rule/${id}`) }),
  "AWS::SES::EmailIdentity": (_, { EmailIdentity }) => ({ ref: String(EmailIdentity) }),
  "AWS::CloudFront::Distribution": (id) => ({
    ref: id,
    DomainName: `${id.toLowerCase()}.cloudfront.net`,
  }),
};

export type Properties = Readonly<Record<string, unknown>>;

export interface Made {
  readonly id: string;
  readonly ref: string;
  /** Of the stacks' construct: without what CDK adds to tell ids apart. */
  readonly name: string;
  readonly properties: Properties;
}

export class Cloud {
  readonly #resources: ReadonlyMap<string, Resource>;
  readonly #exports: ReadonlyMap<string, unknown>;
  readonly #keys: ReadonlyMap<string, string>;

  /** @param keys ARNs of KMS keys, by logical id */
  constructor({ stateful, stateless }: Synthesised, keys: ReadonlyMap<string, string>) {
    const all = [...stateful.all, ...stateless.all];
    this.#resources = new Map(all.map((resource) => [resource.id, resource]));
    this.#exports = new Map([...stateful.exports, ...stateless.exports]);
    this.#keys = keys;
  }

  /** Resources of a type, with every value resolved. */
  of(type: string): readonly Made[] {
    return [...this.#resources]
      .filter(([, { Type }]) => Type === type)
      .map(([id, { Properties }]) => ({
        id,
        ref: this.#names(id).ref,
        name: nameOf(id),
        properties: this.resolve(Properties) as Properties,
      }));
  }

  arnOf(id: string): string {
    return this.#attribute(id, "Arn");
  }

  /** An ARN, or the pattern of one, by the name that the stacks have for it. */
  shown(pattern: string): string {
    for (const [id, { Type }] of this.#resources) {
      if (Type !== "AWS::KMS::Key" && NAMES[Type] === undefined) continue;
      const { Arn } = this.#names(id);
      if (Arn !== undefined && pattern.startsWith(Arn)) {
        return nameOf(id) + pattern.slice(Arn.length);
      }
    }
    const own = `:${REGION}:${ACCOUNT}:`;
    const at = pattern.indexOf(own);
    return at < 0 ? pattern : pattern.slice(at + own.length);
  }

  /** A value of a template with its references resolved. */
  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((one) => this.resolve(one));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value);
    const [only, ...others] = entries;
    if (only !== undefined && others.length === 0 && /^(?:Ref|Fn::\w+)$/.test(only[0])) {
      return this.#intrinsic(...only);
    }
    return Object.fromEntries(entries.map(([key, one]) => [key, this.resolve(one)]));
  }

  #intrinsic(name: string, inside: unknown): unknown {
    switch (name) {
      case "Ref":
        return PSEUDO[String(inside)] ?? this.#names(String(inside)).ref;
      case "Fn::GetAtt": {
        const [id, attribute] = inside as readonly [string, string];
        return this.#attribute(id, attribute);
      }
      case "Fn::Join": {
        const [between, parts] = inside as readonly [string, unknown];
        return (this.resolve(parts) as readonly string[]).join(between);
      }
      case "Fn::ImportValue": {
        const found = this.#exports.get(String(inside));
        if (found === undefined) throw new Error(`nothing exports ${String(inside)}`);
        return this.resolve(found);
      }
      case "Fn::Sub":
        return String(inside).replaceAll(/\$\{([\w:]+)\}/g, (_, one: string) =>
          String(this.#intrinsic("Ref", one)),
        );
      default:
        throw new Error(`the templates use ${name}, which is not read here yet`);
    }
  }

  #attribute(id: string, attribute: string): string {
    const value = this.#names(id)[attribute];
    if (value === undefined)
      throw new Error(`what ${attribute} of ${id} is, is not known here yet`);
    return value;
  }

  #names(id: string): Names {
    const resource = this.#resources.get(id);
    if (resource === undefined) throw new Error(`no template has ${id}`);
    const { Type, Properties } = resource;
    if (Type === "AWS::KMS::Key") {
      const key = this.#keys.get(id) ?? "";
      return { ref: key.slice(key.indexOf("/") + 1), Arn: key };
    }
    const name = NAMES[Type];
    return name === undefined
      ? { ref: id }
      : name(id, this.resolve(onlyNames(Properties)) as Properties);
  }
}

/** What a resource is called by itself; everything else may lead back to it. */
function onlyNames(properties: Properties): Properties {
  const named = ["RoleName", "EmailIdentity"];
  return Object.fromEntries(Object.entries(properties).filter(([key]) => named.includes(key)));
}

function nameOf(id: string): string {
  return id.replace(/[0-9A-F]{8}$/, "");
}
