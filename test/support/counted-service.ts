/**
 * A service that notes each call of each port by name, such as `heads.read` or `now`. It knows no
 * list of methods: whatever a port gets in the future is noted like the rest, so a test that allows
 * some names forbids all others.
 */
import type { Service } from "../../lib/service/service.ts";

/** @param calls gets the names, in the order of the calls */
export function countedService(service: Service, calls: string[]): Service {
  const parts = Object.entries(service).map(
    ([name, part]) => [name, noted(name, part, service, calls)] as const,
  );
  return Object.fromEntries(parts) as unknown as Service;
}

/** @param owner what a method is called on: the adapters have private members, which no proxy has */
function noted(name: string, part: unknown, owner: object, calls: string[]): unknown {
  if (typeof part === "function") {
    return (...args: readonly unknown[]): unknown => {
      calls.push(name);
      return Reflect.apply(part, owner, args) as unknown;
    };
  }
  if (typeof part !== "object" || part === null) return part;
  return new Proxy(part, {
    get: (port, member) =>
      noted(`${name}.${String(member)}`, Reflect.get(port, member), port, calls),
  });
}
