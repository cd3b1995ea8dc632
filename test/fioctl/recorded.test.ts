/**
 * What the real fioctl sends, again: the requests that its releases made in each story (interop/fioctl)
 * meet the service of today, which must answer as it did. Afterwards both chains are judged by a
 * verifier that is not ours.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { startServer } from "../support/embedded.ts";
import { recordedSignatures } from "../support/fioctl/recorded-signatures.ts";
import { expectRecording } from "../support/fioctl/expect-recording.ts";
import { exchangesOf, readTranscript, recordings } from "../support/fioctl/transcript.ts";
import { spawnServer } from "../support/server-process.ts";

const RECORDINGS = recordings();
const KILLED = "v0.46-10-g9b0a6e7/killed";

describe.each(RECORDINGS)("fioctl %s", (recording) => {
  const transcript = readTranscript(recording);

  test("is answered as it was", async () => {
    let server = await startServer(undefined, -transcript.behind);
    const host = {
      folder: server.folder,
      adminToken: server.adminToken,
      get url() {
        return server.url;
      },
    };
    const restart = async (): Promise<string> => {
      server = await server.restart();
      return server.url;
    };
    try {
      await expectRecording(host, transcript, {
        restart,
        passTime: async (milliseconds) => {
          server.advance(milliseconds);
          // A server that starts runs its schedule, and one that stops waits for it.
          await restart();
          return restart();
        },
      });
    } finally {
      await server.remove();
    }
  });

  test("has signatures that we verify, on the bytes that fioctl signed", () => {
    const signatures = recordedSignatures(transcript);
    const staged = exchangesOf(transcript).some(({ method }) => method === "PUT");
    if (staged) expect(signatures.length).toBeGreaterThan(0);
    for (const { keyid, key, message, signature } of signatures) {
      expect([keyid, verifySignature(key, message, signature)]).toEqual([keyid, true]);
    }
  });
});

test("a server that is killed between two commands answers as if nothing had happened", async () => {
  const folder = mkdtempSync(join(tmpdir(), "rootward-fioctl-"));
  let server = await spawnServer(folder);
  const host = {
    folder,
    adminToken: server.adminToken,
    get url() {
      return server.url;
    },
  };
  try {
    await expectRecording(host, readTranscript(KILLED), {
      restart: async () => {
        await server.kill();
        server = await spawnServer(folder);
        return server.url;
      },
      passTime: () => Promise.reject(new Error("no time passes in this story")),
    });
  } finally {
    await server.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the recordings are of both generations, and hold no private key", () => {
  const releases = new Set(RECORDINGS.map((recording) => readTranscript(recording).fioctl));
  expect(releases.size).toBeGreaterThan(3);
  for (const recording of RECORDINGS) {
    expect(JSON.stringify(readTranscript(recording))).not.toMatch(/PRIVATE KEY|rw_[\w-]{20}/);
  }
});
