/**
 * The limits of one client, and of all of them together, on the embedded form's server. Each limit is
 * chosen on purpose, with its reason here; docs/operations.md says what a TLS proxy in front must do
 * besides.
 */
export interface ServerLimits {
  /**
   * Connections that are answered. Devices poll through the proxy, which needs a few dozen; one costs
   * some 20 KB while it is idle.
   */
  readonly connections: number;
  /** Connections beyond those that are told 503 at their first request. More are closed unread. */
  readonly refusedConnections: number;
  /** As nginx counts by itself (keepalive_requests). The last answer says `Connection: close`. */
  readonly requestsPerConnection: number;
  /**
   * Requests of all connections that wait for the answer before theirs on their connection: pipelined
   * ones, which no client that we know sends. A connection that adds more is cut.
   */
  readonly waitingRequests: number;
  /** Bytes of bodies, and as many of documents, that requests under way hold; see HeldBytes. */
  readonly heldBytes: number;
  /** Milliseconds until all headers are there. */
  readonly headersTime: number;
  /**
   * Milliseconds until a whole request is there, as a last resort: bodies that are read have a shorter
   * time of their own (body-time.ts).
   */
  readonly requestTime: number;
  /** Milliseconds that an idle connection is kept. A proxy must keep its own for less. */
  readonly idleTime: number;
  /** Milliseconds in which a client must take 64 KiB of an answer, or all that is left of it. */
  readonly stallTime: number;
  /** Milliseconds that an answer may take, besides a second for each `drainRate` bytes of it. */
  readonly drainTime: number;
  /** Bytes a second. A proxy that buffers answers is far above it, however slow its clients are. */
  readonly drainRate: number;
  /** Milliseconds, and bytes, in which the rest of a refused body is thrown away before the answer. */
  readonly lingerTime: number;
  readonly lingerBytes: number;
  readonly bodies: BodyTimes;
}

export interface BodyTimes {
  /** Milliseconds for a body of up to 64 KiB, and to begin with for a larger one. */
  readonly time: number;
  /** Bytes a second that a larger body must bring on average, after `time`. */
  readonly rate: number;
}

export const SERVER_LIMITS: ServerLimits = {
  connections: 1000,
  refusedConnections: 200,
  requestsPerConnection: 1000,
  waitingRequests: 4000,
  heldBytes: 32 * 1024 * 1024,
  headersTime: 10_000,
  requestTime: 120_000,
  idleTime: 20_000,
  stallTime: 15_000,
  drainTime: 30_000,
  drainRate: 16 * 1024,
  lingerTime: 1000,
  lingerBytes: 8 * 1024 * 1024,
  // A body of 4 MB has 71 seconds.
  bodies: { time: 10_000, rate: 64 * 1024 },
};

/** Longest request target (RFC 9110: 414). The longest of ours names an archive and its MAC. */
export const MAX_TARGET_LENGTH = 2048;
