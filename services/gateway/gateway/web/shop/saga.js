/**
 * How far an order is, as the steps of its saga. The API tells a customer the order's status and reason. These steps follow from
 * them: the saga takes the steps one after the other, and undoes all of them if one fails.
 *
 * @typedef {import("./app.js").Order} Order
 * @typedef {"todo" | "now" | "done" | "failed" | "undoing" | "undone" | "stuck"} StepState
 * @typedef {{step: string, state: StepState}} Step
 */

/** The steps that decide an order, and that can be undone. */
const DECIDING = ["stock", "payment", "parcel"];

/** The step that a reason for a rejection belongs to. @type {Record<string, string>} */
const FAILED_AT = { out_of_stock: "stock", payment_declined: "payment", address_not_served: "parcel" };

/**
 * @param {Order} order
 * @returns {Step[]}
 */
export function stepsOf(order) {
  const was = new Set(order.history.map(({ status }) => status));
  return [
    { step: "placed", state: "done" },
    ...DECIDING.map((step) => ({ step, state: decidingState(order, step, was) })),
    { step: "confirmed", state: was.has("confirmed") ? "done" : "todo" },
    { step: "dispatched", state: dispatchState(order) },
  ];
}

/**
 * @param {Order} order
 * @param {string} step
 * @param {Set<string>} was
 * @returns {StepState}
 */
function decidingState(order, step, was) {
  switch (order.status) {
    case "placed":
      return "now";
    case "confirmed":
    case "fulfilled":
      return "done";
    case "abandoned":
    case "cancelling":
      return "undoing";
    case "cancelled":
      // The money of a confirmed order could not be taken.
      return order.cancellation_reason === "payment_failed" && step === "payment" ? "failed" : "undone";
    case "parked":
      return "stuck";
    case "rejected": {
      const failed = FAILED_AT[order.rejection_reason ?? ""];
      if (!failed) return "undone";
      const [at, of] = [DECIDING.indexOf(step), DECIDING.indexOf(failed)];
      return at < of ? "undone" : at === of ? "failed" : "todo";
    }
    default:
      return was.has("confirmed") ? "done" : "todo";
  }
}

/**
 * @param {Order} order
 * @returns {StepState}
 */
function dispatchState({ status }) {
  if (status === "fulfilled") return "done";
  return status === "confirmed" ? "now" : "todo";
}

/** Whether the customer may ask for the cancellation. @param {Order} order */
export const canBeCancelled = ({ status }) => status === "placed" || status === "confirmed";

/** Whether the order may still change by itself. @param {Order} order */
export const isUnderWay = ({ status }) => ["placed", "confirmed", "abandoned", "cancelling"].includes(status);

/** Tone of a status, for its tag. @param {string} status */
export function toneOf(status) {
  if (["confirmed", "fulfilled", "refunded", "accepted", "labelled"].includes(status)) return "good";
  if (["rejected", "cancelled", "refused"].includes(status)) return "bad";
  return ["abandoned", "cancelling", "parked"].includes(status) ? "warn" : "";
}
