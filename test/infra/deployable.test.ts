/** What CloudFormation would refuse, and synthesis does not see. */
import { describe, expect, test } from "vitest";
import { FULL, SHIPPED, WITH_DEVICES, synthesise, type Template } from "./synth.ts";

/** The resources that each one names. */
function references({ all }: Template): ReadonlyMap<string, readonly string[]> {
  const ids = new Set(all.map(({ id }) => id));
  return new Map(
    all.map((resource) => {
      const text = JSON.stringify(resource);
      const refs = [...text.matchAll(/"Ref":"([^":]+)"/g)].map(([, id]) => id ?? "");
      const attributes = [...text.matchAll(/"Fn::GetAtt":\["([^"]+)"/g)].map(([, id]) => id ?? "");
      const { DependsOn = [] } = resource as { readonly DependsOn?: string | readonly string[] };
      const named = [...refs, ...attributes, ...[DependsOn].flat()];
      return [resource.id, named.filter((id) => ids.has(id) && id !== resource.id)];
    }),
  );
}

/** The resources that can be made one after another; the rest wait for each other. */
function makeable(graph: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const made = new Set<string>();
  for (let before = -1; before < made.size;) {
    before = made.size;
    for (const [id, named] of graph) if (named.every((one) => made.has(one))) made.add(id);
  }
  return made;
}

function importsOf({ all }: Template): readonly string[] {
  const names = JSON.stringify(all).matchAll(/"Fn::ImportValue":"([^"]+)"/g);
  return [...new Set([...names].map(([, name = ""]) => name))];
}

describe.each([
  ["as it is shipped", SHIPPED],
  ["with everything", FULL],
  ["with a name of the devices' own", WITH_DEVICES],
])("%s", (_, config) => {
  const { stateful, stateless } = synthesise(config);

  test.each([
    ["stateful", stateful],
    ["stateless", stateless],
  ])("%s: no resource waits for itself", (_name, template) => {
    const graph = references(template);
    expect([...graph.keys()].filter((id) => !makeable(graph).has(id))).toEqual([]);
  });

  test("the stateful stack knows nothing of the other", () => {
    expect(JSON.stringify(stateful.all)).not.toContain("Fn::ImportValue");
  });

  test("a restore takes no export away that the release before imports", () => {
    const tables = { table: "main-back", signerTable: "signer-back" };
    const back = synthesise({ ...config, restored: { ...tables, at: "2026-01-15T12:00:00Z" } });
    const imported = importsOf(stateless);
    expect(imported.length).toBeGreaterThan(5);
    for (const name of imported) expect([...back.stateful.exports.keys()]).toContain(name);
  });

  test("a name leads to a stage that is there already", () => {
    // It names the stage by text, which CloudFormation waits for nothing by.
    for (const { id, ...one } of stateless.of("AWS::ApiGatewayV2::ApiMapping")) {
      const { DependsOn = [] } = one as { readonly DependsOn?: readonly string[] };
      expect([id, DependsOn]).toEqual([id, [expect.stringMatching(/^DevicesStage/)]]);
    }
  });

  test("a function has its rights before it runs", () => {
    for (const { id, ...one } of stateless.of("AWS::Lambda::Function")) {
      const { DependsOn = [] } = one as { readonly DependsOn?: readonly string[] };
      expect([id, DependsOn.some((name) => name.includes("DefaultPolicy"))]).toEqual([id, true]);
    }
  });
});
