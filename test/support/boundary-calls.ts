/** A service whose signing boundary answers some calls otherwise: the others go to the real one. */
import type { SigningBoundary } from "../../lib/service/ports.ts";
import type { Service } from "../../lib/service/service.ts";

export function withBoundary<S extends Service>(service: S, calls: Partial<SigningBoundary>): S {
  return { ...service, boundary: { ...callsOf(service.boundary), ...calls } };
}

/** Its methods, as an object that can be spread. */
function callsOf(boundary: SigningBoundary): SigningBoundary {
  return {
    makeKey: (...args) => boundary.makeKey(...args),
    trustFirstRoots: (...args) => boundary.trustFirstRoots(...args),
    trustedRoot: (...args) => boundary.trustedRoot(...args),
    expectedRoots: (...args) => boundary.expectedRoots(...args),
    keptRoot: (...args) => boundary.keptRoot(...args),
    keepRoot: (...args) => boundary.keepRoot(...args),
    expect: (...args) => boundary.expect(...args),
    heldKeys: (...args) => boundary.heldKeys(...args),
    follow: (...args) => boundary.follow(...args),
    sign: (...args) => boundary.sign(...args),
    destroyKey: (...args) => boundary.destroyKey(...args),
    sweepKeys: (...args) => boundary.sweepKeys(...args),
    abandon: (...args) => boundary.abandon(...args),
  };
}
