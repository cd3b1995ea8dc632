/**
 * What CloudFront and S3 do for a browser: TLS, in front of whatever answers for a host here. The
 * certificate is nobody's, so a browser must be told to take it.
 */
import { request as send } from "node:http";
import { createServer } from "node:https";
import { listenWith, type Loopback } from "../loopback.ts";
import { makeCertificate, rsaKey } from "../certificate.ts";
import { portOf } from "./reroute.ts";

/** @param ports by the end of a host's name */
export function listenWithTls(ports: Readonly<Record<string, number>>): Promise<Loopback> {
  const { pem: cert, privateKey } = makeCertificate(rsaKey(2048));
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  return listenWith(
    createServer({ cert, key }, (request, response) => {
      const { method, headers, url } = request;
      const port = portOf(ports, String(headers.host));
      const target = { host: "127.0.0.1", port, path: url, method, headers };
      const forwarded = send(target, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      forwarded.on("error", () => response.destroy());
      request.pipe(forwarded);
    }),
  );
}
