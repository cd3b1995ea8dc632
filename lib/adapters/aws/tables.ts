/**
 * How the tables are laid out: keys, indexes, and whether they are backed up. The stacks make the tables
 * from this, the tests make them in an emulator from this, and the adapters here use them. No import, so
 * that its readers need no SDK.
 *
 * Tables, not global tables: replicas that take the last writer's word would undo what a conditional
 * write promised.
 */

interface KeyAttribute {
  readonly name: string;
  readonly type: "S" | "N";
}

interface Keys {
  readonly partitionKey: KeyAttribute;
  readonly sortKey?: KeyAttribute;
}

export interface IndexLayout extends Keys {
  readonly name: string;
  readonly projection: "ALL" | "KEYS_ONLY";
}

export interface TableLayout extends Keys {
  readonly indexes: readonly IndexLayout[];
  readonly pointInTimeRecovery: boolean;
  /** The attribute with the second after which DynamoDB removes an item by itself. */
  readonly timeToLive?: string;
}

const pk = { name: "pk", type: "S" } as const;
const sk = { name: "sk", type: "S" } as const;

export const TIME_TO_LIVE = "removeAfter";

/** Which Factories are due: a partition for each shard, in the order of time. */
export const DUE_INDEX = {
  name: "due",
  partitionKey: { name: "due", type: "S" },
  sortKey: { name: "dueAt", type: "N" },
  projection: "KEYS_ONLY",
} as const satisfies IndexLayout;

/** The tokens of a Factory. Only tokens have the attribute, so only they are in the index. */
export const FACTORY_INDEX = {
  name: "factory",
  partitionKey: { name: "boundFactory", type: "S" },
  projection: "ALL",
} as const satisfies IndexLayout;

/**
 * | pk             | sk                                                  |
 * | -------------- | --------------------------------------------------- |
 * | `factory#NAME` | `head`                                              |
 * | `factory#NAME` | `turn`                                              |
 * | `factory#NAME` | `document#INSTANCE#CHANNEL#ROLE#VERSION#SHA256`     |
 * | `factory#NAME` | `published#INSTANCE#CHANNEL#ROLE#VERSION`           |
 * | `token#SHA256` | `token`                                             |
 * | `request#SHA256` | `request`                                         |
 * | `clock`        | `clock`                                             |
 *
 * INSTANCE is `log` for the audit log; VERSION has ten digits, so that they sort.
 */
export const MAIN_TABLE: TableLayout = {
  partitionKey: pk,
  sortKey: sk,
  indexes: [DUE_INDEX, FACTORY_INDEX],
  pointInTimeRecovery: true,
  timeToLive: TIME_TO_LIVE,
};

/** By the delivery's idHash. A backup of it would be a copy of shares that were destroyed. */
export const SHARES_TABLE: TableLayout = {
  partitionKey: { name: "idHash", type: "S" },
  indexes: [],
  pointInTimeRecovery: false,
};

/**
 * The table that the signing boundary alone writes: pk is `instance#FACTORY#INSTANCE`, and sk one of
 * `key#ROLE#KEYID`, `root#CHANNEL#VERSION#SHA256#PART`, `trust`, `version#CHANNEL#ROLE`, `ceiling`.
 */
export const SIGNER_TABLE: TableLayout = {
  partitionKey: pk,
  sortKey: sk,
  indexes: [],
  pointInTimeRecovery: true,
};
