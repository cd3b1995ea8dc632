/**
 * Where devices need a certificate (`devices` of the configuration), nothing is read for a request that
 * came without one. The gateway asks for it and judges it while TLS is set up; but that is a setting of a
 * domain name, and with the trust store taken away by hand, the API's own name enabled again or one
 * mapping more it would serve everybody, and nobody would notice. So it is looked for here as well: the
 * gateway tells what certificate a connection had, and a client cannot write there.
 *
 * Only exactly `/healthz` needs none, since the public API, whose clients have no certificates, asks for it.
 * All else is refused, whatever it looks like: the gateway decodes paths, and a list of what needs a
 * certificate would have to know each way to write one.
 */
import { readHealth } from "../api/health.ts";
import type { Settings } from "../settings.ts";
import { errorResult } from "./gateway.ts";
import type { Guard } from "./handler.ts";
import { report } from "./telemetry.ts";

export function certificateGuard(setting: Settings<"metadata">["clientCertificates"]): Guard {
  return setting === "required" ? refuseWithoutCertificate : () => null;
}

const OPEN =
  "the gateway passed on a request without one: look at the devices' API and domain name";

const refuseWithoutCertificate: Guard = ({ rawPath, requestContext: { authentication } }) => {
  const told = Object.values(authentication?.clientCert ?? {});
  const isThere = told.some((value) => typeof value === "string" && value !== "");
  if (rawPath === readHealth.path || isThere) return null;
  // The gateway should have let nobody come this far.
  report("a way to what devices read without a certificate", new Error(OPEN));
  return errorResult("forbidden", "what devices read is for those with a client certificate");
};
