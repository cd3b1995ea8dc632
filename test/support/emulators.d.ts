/** The parts of the emulators that tests use; the packages have no types of their own. */
declare module "dynalite" {
  import type { Server } from "node:http";

  interface Options {
    readonly createTableMs?: number;
    readonly updateTableMs?: number;
    readonly deleteTableMs?: number;
  }
  export default function dynalite(options: Options): Server;
}

declare module "@20minutes/s3rver" {
  import type { RequestListener } from "node:http";

  export default class S3rver {
    constructor(options: {
      readonly directory: string;
      readonly silent: boolean;
      readonly serviceEndpoint?: string;
      readonly vhostBuckets: boolean;
      /** Configurations are XML, as S3's API takes them. */
      readonly configureBuckets: readonly {
        readonly name: string;
        readonly configs?: readonly string[];
      }[];
    });
    configureBuckets(): Promise<unknown>;
    callback(): RequestListener;
    close(): Promise<void>;
  }
}
