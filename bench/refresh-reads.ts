/** A device that asks for timestamps, one after the other on one connection, and how long it waits. */
import { Agent, get } from "node:http";
import { scatteredName } from "./refresh-fleet.ts";

export interface Waits {
  readonly count: number;
  /** Milliseconds on the wall. */
  readonly median: number;
  readonly most: number;
  /** 99 of 100 reads wait no longer. */
  readonly percentile99: number;
  readonly total: number;
}

/** @param goOn asked before each request */
export async function readTimestamps(
  url: string,
  size: number,
  goOn: (count: number) => boolean,
): Promise<Waits> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const waits: number[] = [];
  const start = performance.now();
  while (goOn(waits.length)) {
    const begin = performance.now();
    const name = scatteredName(waits.length, size);
    const status = await fetchStatus(agent, `${url}/repo/${name}/main/timestamp.json`);
    if (status !== 200) throw new Error(`a device got ${status} for ${name}`);
    waits.push(performance.now() - begin);
  }
  const total = performance.now() - start;
  agent.destroy();
  const sorted = waits.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN;
  return { count: waits.length, median: at(0.5), percentile99: at(0.99), most: at(1), total };
}

async function fetchStatus(agent: Agent, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      response.resume();
      response.on("end", () => resolve(response.statusCode ?? 0));
      response.on("error", reject);
    });
    request.on("error", reject);
  });
}
