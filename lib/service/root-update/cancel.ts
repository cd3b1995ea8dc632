/** Cancelling a root update: nothing that was staged stays, online keys made for it included. */
import type { FactoryName } from "../../factory/names.ts";
import { cancelRootUpdate } from "../../factory/root-update.ts";
import type { Principal } from "../authorize.ts";
import { update } from "../commit.ts";
import { moment, type Service } from "../service.ts";
import { settleQuietly } from "../settle.ts";

/** @throws RootwardError `no-root-update` */
export async function cancelUpdate(
  service: Service,
  factory: FactoryName,
  { actor, token }: Principal,
): Promise<void> {
  await update(service, factory, (head) => ({
    transition: cancelRootUpdate(head, token.user, moment(service, actor)),
  }));
  await settleQuietly(service, factory);
}
