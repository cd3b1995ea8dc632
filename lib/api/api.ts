/** All operations of the API, in the order in which people read of them. */
import {
  claimDelivery,
  confirmDelivery,
  downloadPage,
  downloadScript,
  downloadStyle,
  readArchive,
} from "./delivery.ts";
import { readMetadata } from "./devices.ts";
import { createFactory, rebootstrapFactory } from "./factories.ts";
import { readFactory, readLog } from "./factory-state.ts";
import {
  listProdTargets,
  listWaveTargets,
  readFirstKey,
  readSelf,
  readSelfUnslashed,
  readTargetsKey,
} from "./fioctl.ts";
import { readHealth, readReadiness } from "./health.ts";
import type { Operation } from "./operation.ts";
import {
  applyUpdate,
  cancelUpdate,
  makeOnlineKeys,
  reviewUpdate,
  stageUpdate,
  startUpdate,
} from "./root-updates.ts";
import { readRoot, readRootVersion, submitRoot } from "./roots.ts";
import { listTargets, publishTargets } from "./targets.ts";
import { createToken, listTokens, revokeToken } from "./tokens.ts";

export interface Resource {
  readonly name: string;
  readonly operations: readonly Operation[];
}

export const RESOURCES: readonly Resource[] = [
  { name: "Factories", operations: [createFactory, rebootstrapFactory, readFactory, readLog] },
  {
    name: "Delivery",
    operations: [
      claimDelivery,
      readArchive,
      confirmDelivery,
      downloadPage,
      downloadScript,
      downloadStyle,
    ],
  },
  { name: "Tokens", operations: [listTokens, createToken, revokeToken] },
  { name: "Roots", operations: [readRoot, readRootVersion, submitRoot] },
  {
    name: "Root updates",
    operations: [reviewUpdate, startUpdate, stageUpdate, makeOnlineKeys, applyUpdate, cancelUpdate],
  },
  { name: "Targets", operations: [listTargets, publishTargets] },
  {
    name: "fioctl",
    operations: [
      readSelf,
      readSelfUnslashed,
      readTargetsKey,
      listProdTargets,
      listWaveTargets,
      readFirstKey,
    ],
  },
  { name: "Devices", operations: [readMetadata] },
  { name: "Health", operations: [readHealth, readReadiness] },
];

export const OPERATIONS: readonly Operation[] = RESOURCES.flatMap(({ operations }) => operations);
