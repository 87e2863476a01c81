import { HttpProblem } from "./http-problem.ts";

/** `reason` tells the machine whether it was ever known. */
export function notEnrolled(reason: "unknown" | "revoked"): HttpProblem {
  const detail =
    reason === "revoked"
      ? "The owner has removed this machine; it may only send what it recorded before."
      : "This machine is not enrolled; its owner enrols it with an invitation or its code.";
  return new HttpProblem("device_not_enrolled", detail, { reason });
}
