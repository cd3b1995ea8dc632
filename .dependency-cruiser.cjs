// The layers and their direction (docs/architecture.md). test/layers.test.ts proves with a canary
// that this checker sees violations.
const files = "^lib/(files|file-lock)\\.ts$";
const pure = "^lib/(error|text|tuf|state|delivery|archive|api)(/|\\.ts$)";
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: "error",
  from: { path: from },
  to: { path: "^(lib|lambdas|bin|test|demo|interop|tools)/", pathNot: [from, ...allowed] },
});

module.exports = {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "pure-code-is-pure",
      comment: "no node:*, no SDK: pure code bundles for the browser unchanged",
      severity: "error",
      from: { path: pure },
      to: {
        dependencyTypes: ["core", "npm", "npm-dev"],
        pathNot: "node_modules/(@noble/hashes|@noble/curves|modern-tar|valibot)/",
      },
    },
    {
      name: "node-forge-behind-crypto",
      comment: "certificates and CMS are lib/crypto's; no page carries node-forge",
      severity: "error",
      from: { pathNot: "^lib/crypto/" },
      to: { path: "node_modules/node-forge/" },
    },
    only("tuf-stands-alone", "^lib/tuf/", ["^lib/error\\.ts$"], "tuf imports nothing of ours"),
    only("state", "^lib/state/", ["^lib/error\\.ts$", "^lib/tuf/"], "state knows tuf only"),
    only(
      "text",
      "^lib/text/",
      ["^lib/error\\.ts$", "^lib/tuf/", "^lib/state/names\\.ts$"],
      "text knows the forms of values, and nothing of what they are for",
    ),
    only(
      "delivery",
      "^lib/delivery/",
      ["^lib/error\\.ts$", "^lib/(text|tuf)/"],
      "delivery knows tuf, and forms of text",
    ),
    only(
      "api",
      "^lib/api/",
      ["^lib/error\\.ts$", "^lib/(text|tuf|delivery)/", "^lib/state/(names|scopes)\\.ts$"],
      "the description of the API knows forms, names and codes, and nothing that serves or asks",
    ),
    only(
      "archive",
      "^lib/archive/",
      ["^lib/error\\.ts$", "^lib/(text|tuf|state)/"],
      "archive knows tuf, state and forms of text",
    ),
    only(
      "crypto",
      "^lib/crypto/",
      ["^lib/error\\.ts$", "^lib/tuf/"],
      "crypto implements tuf's interfaces",
    ),
    only(
      "service",
      "^lib/service/",
      [pure],
      "the use cases know pure code and their own ports, never an adapter",
    ),
    only(
      "signing",
      "^lib/signing/",
      [pure, "^lib/crypto/", "^lib/service/ports\\.ts$"],
      "the signing boundary knows pure code, crypto and the port that it implements",
    ),
    only(
      "adapters",
      "^lib/adapters/",
      [
        pure,
        "^lib/crypto/",
        "^lib/service/(messages/(announcement|mail)|ports)\\.ts$",
        "^lib/signing/",
        files,
      ],
      "adapters know ports and pure code",
    ),
    {
      name: "reads-never-write",
      comment: "what serves devices, and what it reads by, cannot even reach what signs or commits",
      severity: "error",
      from: { path: "^lib/(http/devices|service/(store|read))\\." },
      to: { path: "^lib/service/(change|commit|effects|rounds|sign-roles)\\.", reachable: true },
    },
    only("http", "^lib/http/", [pure, "^lib/service/"], "http translates requests to use cases"),
    only("web", "^lib/web/", [pure], "pages import pure code only"),
    only(
      "settings",
      "^lib/settings\\.ts$",
      [],
      "names, and no more: both sides of a deployment read it",
    ),
    only(
      "infra",
      "^lib/infra/",
      ["^lib/settings\\.ts$", "^lib/adapters/aws/tables\\.ts$", "^lib/api/"],
      "stacks know names, layouts and paths, and nothing of what runs",
    ),
    {
      name: "cdk-stays-in-infra",
      comment: "no function carries it, and nobody needs it to run the embedded form",
      severity: "error",
      from: { pathNot: "^(lib/infra/|bin/app\\.ts$|test/)" },
      to: { path: "node_modules/(aws-cdk-lib|constructs|cdk-nag)/" },
    },
    only(
      "lambda",
      "^lib/lambda/",
      [
        pure,
        "^lib/crypto/",
        "^lib/service/",
        "^lib/http/",
        "^lib/signing/",
        "^lib/adapters/aws/",
        "^lib/settings\\.ts$",
      ],
      "what the functions share: composition, and the gateway's events",
    ),
    {
      name: "lambdas-compose",
      comment: "one file per function; nothing imports one, and none another",
      severity: "error",
      from: {},
      to: { path: "^lambdas/" },
    },
    only(
      "cli",
      "^lib/cli/",
      [pure, "^lib/crypto/", "^lib/(service|http|signing|adapters)/", files],
      "commands; serve composes the embedded server",
    ),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types"] },
    parser: "swc",
    tsPreCompilationDeps: true,
  },
};
