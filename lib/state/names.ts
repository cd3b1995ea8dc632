/** The names and ids of a Factory, told apart by type so that they cannot be mixed up. */

/** `^[a-z0-9][a-z0-9-]{1,62}$`: safe in a path, a file name and a DNS label. */
export type FactoryName = string & { readonly brand: "FactoryName" };

export const FACTORY_NAME = /^[a-z0-9][a-z0-9-]{1,62}$/;

export function isFactoryName(text: string): text is FactoryName {
  return FACTORY_NAME.test(text);
}

/**
 * One bootstrap of a Factory: 128 random bits in hex. Tokens, online keys and the boundary's trust
 * belong to an instance, so that all of them die with it when a Factory is bootstrapped again, and
 * a bootstrap that failed half-way leaves nothing that the next one could trip over.
 */
export type InstanceId = string & { readonly brand: "InstanceId" };

const INSTANCE_ID = /^[0-9a-f]{32}$/;

export function isInstanceId(text: string): text is InstanceId {
  return INSTANCE_ID.test(text);
}
