/**
 * A recorded story, told to a Factory of its own: the answers are those of the recording, and in the end
 * both chains verify from version 1 on, and devices get what the newest online keys signed.
 */
import { expect } from "vitest";
import { latest, openFactory, readChains, signersOfDeviceFile, type Host } from "./factory.ts";
import { replay, type Stage } from "./replay.ts";
import { keyidsOf } from "./root-document.ts";
import type { Transcript } from "./transcript.ts";

/** @param name of the Factory */
export async function expectRecording(
  host: Host,
  transcript: Transcript,
  happenings: Pick<Stage, "restart" | "passTime">,
  name = "acme",
): Promise<void> {
  const { keyType, versions, onlineKeys } = transcript;
  const opened = await openFactory(host, name, { keyType });
  expect(await replay({ factory: opened, ...happenings }, transcript)).toEqual([]);
  // The service may have another address now.
  const factory = { ...opened, alice: { ...opened.alice, url: host.url } };
  const { ci, prod, problems } = await readChains(factory, { onlineKeys });
  expect(problems).toEqual([]);
  expect([ci.length, prod.length]).toEqual([versions, versions]);
  for (const role of ["targets", "snapshot", "timestamp"]) {
    const [online] = keyidsOf(latest(ci), role);
    expect([role, await signersOfDeviceFile(factory, `ci/${role}.json`)]).toEqual([role, [online]]);
  }
}
