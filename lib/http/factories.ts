/** The state of a Factory, for its owner and for provisioners; and its audit log, for the owner. */
import type { Hono } from "hono";
import * as api from "../api/factory-state.ts";
import type { AnswerOf } from "../api/operation.ts";
import { describeFactory, readLog } from "../service/read.ts";
import type { Needs, Reads } from "../service/service.ts";
import { longAnswer } from "./bytes-answer.ts";
import { serve } from "./serve.ts";

export function factoryRoutes(app: Hono, service: Needs<Reads | "now" | "tokens">): void {
  serve(app, service, api.readFactory, (ask) => {
    const { delivery, ...state } = describeFactory(ask.allowed.head);
    // Tests hold the members of each state of a delivery to the description.
    type Delivery = AnswerOf<typeof api.readFactory>["delivery"];
    return ask.answer(200, { ...state, delivery: delivery as Delivery });
  });

  serve(app, service, api.readLog, async (ask) => {
    const from = Number(ask.query("from") ?? "1");
    return longAnswer(ask, await readLog(service, ask.allowed.head, from));
  });
}
