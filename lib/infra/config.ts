/**
 * The decisions of an operator (rootward.config.ts). Everything else is the same in every installation.
 */
export interface Config {
  /** Prefix of the stacks and of the functions' roles; one for each installation in an account. */
  readonly name: string;
  /**
   * The one host of the API, the download page and, without `devices`, of devices. Links and devices
   * remember it: change it only while there is no Factory. Null: the name that CloudFront gives.
   */
  readonly domain: {
    readonly name: string;
    /** A certificate of AWS Certificate Manager in us-east-1, which is where CloudFront looks. */
    readonly certificateArn: string;
  } | null;
  /**
   * A host of the devices' own that takes connections only with a client certificate of the fleet
   * (docs/deploy.md). With it the host above serves devices nothing: devices remember it, so choose
   * before the first is built. Null: devices read at the host above, like everybody, without a certificate.
   */
  readonly devices: {
    /** Another one than that of `domain`. */
    readonly name: string;
    /** Issued by AWS Certificate Manager, in the region of the stacks. */
    readonly certificateArn: string;
    /**
     * The authorities that may sign devices' certificates: CA certificates in one PEM file, in a bucket of
     * yours.
     */
    readonly truststore: {
      /** Versioned. */
      readonly bucket: string;
      readonly key: string;
      /**
       * The version of that file in S3: the gateway reads it when another version is named, and at no other
       * time.
       */
      readonly version: string;
    };
  } | null;
  /**
   * The sender of mail. Its domain becomes an SES identity, to be confirmed by three DNS records. Null: no
   * mail; the link is in the answer to the provisioner only.
   */
  readonly sender: string | null;
  /** The address for alarms, and for mail that bounced. Null: nobody. */
  readonly alarmEmail: string | null;
  /** SHA-256 (hex) of a token of all scopes, the first one that there is. Null: none. */
  readonly adminTokenSha256: string | null;
  /**
   * SHA-256 (hex) of another token, for pipelines: it makes Factories, bootstraps them again and reads their
   * state, and nothing else. Null: none.
   */
  readonly provisionerTokenSha256: string | null;
  /**
   * Where new online keys are kept: `FACTORY/ROLE=sealed` or `=kms`, `*` for any, commas between, the last
   * that fits counts (docs/operations.md). Empty: all sealed, which costs nothing a key.
   */
  readonly onlineKeys: string;
  /** For how many days the functions' logs are kept; of the values that CloudWatch knows. */
  readonly logDays: 30 | 60 | 90 | 180 | 365 | 731;
  /**
   * Tables that were restored from a backup, to be used instead of the stack's own (docs/deploy.md). Both
   * or none: the signer's may be newer than the other, never older, and may well be the one that there was.
   */
  readonly restored: {
    readonly table: string;
    readonly signerTable: string;
    /** The time that the table went back to, `YYYY-MM-DDTHH:MM:SSZ`: links from before yield nothing. */
    readonly at: string;
  } | null;
  /** Requests a second, and how many more at once, before the gateway answers 429. */
  readonly throttle: { readonly rate: number; readonly burst: number };
  /**
   * The most copies of a function at a time. They come out of the account's quota, of which AWS keeps
   * 100 back; a new account has as few as 10: null until its quota is raised (docs/deploy.md).
   */
  readonly concurrency: {
    /** Each makes RSA keys, for seconds. */
    readonly bootstrap: number;
    /** A fleet that polls too fast must not take the owners' functions away. */
    readonly metadata: number;
    /** One run at a time: a second would only lose races against the first. */
    readonly refresh: number;
  } | null;
}
