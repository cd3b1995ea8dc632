/** Cancelling a root update: nothing that was staged stays, online keys made for it included. */
import type { FactoryName } from "../../factory/names.ts";
import { cancelRootUpdate } from "../../factory/root-update.ts";
import { updateAs, type Principal } from "../authorize.ts";
import { moment, type Service } from "../service.ts";
import { settleQuietly } from "../settle.ts";

/** @throws RootwardError `no-root-update` */
export async function cancelUpdate(
  service: Service,
  factory: FactoryName,
  principal: Principal,
): Promise<void> {
  const { actor, token } = principal;
  await updateAs(service, factory, principal, (head) => ({
    transition: cancelRootUpdate(head, token.user, moment(service, actor)),
  }));
  await settleQuietly(service, factory);
}
