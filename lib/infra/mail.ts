/**
 * Mail that keeps a link secret: SES neither counts who opened it nor passes clicks through a host of its
 * own, and hands it over under TLS or not at all. Operators hear of bounced mail: the one mail with a link
 * is not sent again.
 */
import { CfnOutput, type Stack } from "aws-cdk-lib";
import {
  ConfigurationSet,
  ConfigurationSetTlsPolicy,
  EmailIdentity,
  EmailSendingEvent,
  EventDestination,
  Identity,
} from "aws-cdk-lib/aws-ses";
import type { ITopic } from "aws-cdk-lib/aws-sns";

export interface Mail {
  readonly configurationSet: string;
  /** ARNs that sending needs. */
  readonly arns: readonly string[];
}

export function makeMail(stack: Stack, sender: string | null, bounces: ITopic): Mail {
  if (sender === null) return { configurationSet: "", arns: [] };
  const domain = sender.slice(sender.lastIndexOf("@") + 1);
  const set = new ConfigurationSet(stack, "Mail", {
    tlsPolicy: ConfigurationSetTlsPolicy.REQUIRE,
    vdmOptions: { engagementMetrics: false, optimizedSharedDelivery: false },
  });
  set.addEventDestination("Bounces", {
    destination: EventDestination.snsTopic(bounces),
    // Without opens and clicks: SES would rewrite every link for them.
    events: [EmailSendingEvent.BOUNCE, EmailSendingEvent.COMPLAINT, EmailSendingEvent.REJECT],
  });
  const identity = new EmailIdentity(stack, "Sender", {
    identity: Identity.domain(domain),
    configurationSet: set,
  });
  for (const [index, { name, value }] of identity.dkimRecords.entries()) {
    new CfnOutput(stack, `MailRecord${index + 1}`, { value: `${name} CNAME ${value}` });
  }
  const setArn = stack.formatArn({
    service: "ses",
    resource: "configuration-set",
    resourceName: set.configurationSetName,
  });
  return { configurationSet: set.configurationSetName, arns: [identity.emailIdentityArn, setArn] };
}
