import type { z } from "zod";
import { codeKeys } from "./code-keys.ts";
import {
  approveDevice,
  deviceChange,
  deviceConfig,
  deviceInvitation,
  devicePoll,
  deviceRegistration,
  devicesPage,
  enrolReply,
  enrolRequest,
  ownedDevice,
  userCodeRequest,
  waitingDevice,
} from "./devices.ts";
import { batchRequest, batchResponse } from "./entries.ts";
import { exportRequest } from "./exports.ts";
import { heartbeatRequest, heartbeatResponse } from "./heartbeat.ts";
import {
  newStaff,
  otpChallenge,
  otpRequest,
  otpVerify,
  revokeRequest,
  staffChange,
  staffMember,
  staffPage,
  tokenReply,
} from "./people.ts";
import { placeOperations } from "./place-operations.ts";
import { posterRequest } from "./posters.ts";

import {
  accessRecordsPage,
  anyEntriesPage,
  carryOutSubjectRequest,
  heldDecided,
  heldDecision,
  heldScansPage,
  newSubjectRequest,
  refuseSubjectRequest,
  subjectOutcome,
  subjectRequest,
  subjectRequestsPage,
} from "./privacy.ts";

import { issuedToken, tokenRequest } from "./sign-in.ts";

/** One call of the contract: what the OpenAPI file is made from and what both ends name. */
export interface Operation {
  readonly method: "get" | "post" | "patch" | "delete";
  /** Path with `{name}` parameters. */
  readonly path: string;
  readonly summary: string;
  /** `proof`: a `DPoP` header alone, whose key the answer is for. `dpop`: an access token with a proof of its key. */
  readonly auth: "public" | "proof" | "dpop";
  readonly request?: z.ZodType;
  readonly query?: readonly string[];
  /** The call needs an If-Match header with the ETag of what is changed. */
  readonly ifMatch?: true;
  readonly success: 200 | 201 | 202 | 204;
  readonly response?: z.ZodType;
  readonly responseType?: "application/json" | "text/event-stream";
  /** Media types of an answer that is a file. */
  readonly fileTypes?: readonly string[];
}

export const operations = {
  uploadBatch: {
    method: "post",
    path: "/v1/entries:batch",
    summary: "Upload entries; every item is answered by its id",
    auth: "dpop",
    request: batchRequest,
    success: 200,
    response: batchResponse,
  },
  heartbeat: {
    method: "post",
    path: "/v1/devices/{id}/heartbeat",
    summary: "Figures of a device, every minute; answered with what the centre has of its journal",
    auth: "dpop",
    request: heartbeatRequest,
    success: 200,
    response: heartbeatResponse,
  },
  enrolDevice: {
    method: "post",
    path: "/v1/devices:enrol",
    summary: "A machine asks to be enrolled (RFC 8628); the owner approves by its user code",
    auth: "proof",
    request: enrolRequest,
    success: 200,
    response: enrolReply,
  },
  pollEnrolment: {
    method: "post",
    path: "/v1/devices:token",
    summary: "Whether the owner has decided: authorization_pending, slow_down, access_denied, expired_token",
    auth: "proof",
    request: devicePoll,
    success: 200,
    response: deviceRegistration,
  },
  lookUpDevice: {
    method: "post",
    path: "/v1/devices:look-up",
    summary: "The machine behind a user code, for the owner to compare before approving",
    auth: "dpop",
    request: userCodeRequest,
    success: 200,
    response: waitingDevice,
  },
  approveDevice: {
    method: "post",
    path: "/v1/devices:approve",
    summary: "The owner takes the machine for a place",
    auth: "dpop",
    request: approveDevice,
    success: 200,
    response: ownedDevice,
  },
  denyDevice: {
    method: "post",
    path: "/v1/devices:deny",
    summary: "The owner refuses the machine",
    auth: "dpop",
    request: userCodeRequest,
    success: 204,
  },
  inviteDevice: {
    method: "post",
    path: "/v1/checkpoints/{id}/device-invitations",
    summary: "A code that a machine's own reader scans: one use, 10 minutes; shown once",
    auth: "dpop",
    success: 201,
    response: deviceInvitation,
  },
  listDevices: {
    method: "get",
    path: "/v1/checkpoints/{id}/devices",
    summary: "The machines of a place and how they are; owners and supervisors",
    auth: "dpop",
    success: 200,
    response: devicesPage,
  },
  changeDevice: {
    method: "patch",
    path: "/v1/devices/{id}",
    summary: "Rename, move or set up a machine; If-Match with its version, 412 when it was changed meanwhile",
    auth: "dpop",
    request: deviceChange,
    success: 200,
    response: ownedDevice,
  },
  revokeDevice: {
    method: "delete",
    path: "/v1/devices/{id}",
    summary: "End a machine's right at once; what it recorded before is still taken",
    auth: "dpop",
    success: 204,
  },
  deviceConfig: {
    method: "get",
    path: "/v1/devices/{id}/config",
    summary: "What the centre wants of this machine; answers 304 to a known ETag",
    auth: "dpop",
    success: 200,
    response: deviceConfig,
  },
  requestOtp: {
    method: "post",
    path: "/v1/auth/otp",
    summary: "Send a one-time code to a phone; the same answer for unknown phones",
    auth: "public",
    request: otpRequest,
    success: 202,
    response: otpChallenge,
  },
  verifyOtp: {
    method: "post",
    path: "/v1/auth/otp:verify",
    summary: "Exchange a one-time code for tokens",
    auth: "proof",
    request: otpVerify,
    success: 200,
    response: tokenReply,
  },
  issueToken: {
    method: "post",
    path: "/v1/auth/token",
    summary:
      "New access token, for a sign-in (the old refresh token may be repeated for 60 s) or for an enrolled device",
    auth: "proof",
    request: tokenRequest,
    success: 200,
    response: issuedToken,
  },
  revokeToken: {
    method: "post",
    path: "/v1/auth/token:revoke",
    summary: "Sign out",
    auth: "proof",
    request: revokeRequest,
    success: 204,
  },
  ...placeOperations,
  listCodeKeys: {
    method: "get",
    path: "/v1/keys",
    summary: "Public keys that place codes are checked with; answers 304 to a known ETag",
    auth: "public",
    success: 200,
    response: codeKeys,
  },
  listStaff: {
    method: "get",
    path: "/v1/checkpoints/{id}/staff",
    summary: "Staff of a place; supervisors see scanners only",
    auth: "dpop",
    success: 200,
    response: staffPage,
  },
  addStaff: {
    method: "post",
    path: "/v1/checkpoints/{id}/staff",
    summary: "Allow a phone to scan here",
    auth: "dpop",
    request: newStaff,
    success: 201,
    response: staffMember,
  },
  removeStaff: {
    method: "delete",
    path: "/v1/checkpoints/{id}/staff/{staff_id}",
    summary: "End a grant at once",
    auth: "dpop",
    success: 204,
  },
  changeStaff: {
    method: "patch",
    path: "/v1/checkpoints/{id}/staff/{staff_id}",
    summary: "Change role, full view, end or reach of a grant; If-Match names the version that was seen",
    auth: "dpop",
    request: staffChange,
    ifMatch: true,
    success: 200,
    response: staffMember,
  },
  listEntries: {
    method: "get",
    path: "/v1/checkpoints/{id}/entries",
    summary:
      "In/out list, masked unless `view=full` with a `purpose` is allowed; scanners see the last 20 entries of 15 minutes",
    auth: "dpop",
    query: ["after", "limit", "direction", "include_children", "view", "purpose"],
    success: 200,
    response: anyEntriesPage,
  },
  streamEntries: {
    method: "get",
    path: "/v1/checkpoints/{id}/entries:stream",
    summary: "Live events `entry`, `count`, `reset`, `bye`; event id = list cursor; `view=full` as for the list",
    auth: "dpop",
    query: ["include_children", "view", "purpose"],
    success: 200,
    responseType: "text/event-stream",
  },
  listHeldScans: {
    method: "get",
    path: "/v1/checkpoints/{id}/held-scans",
    summary: "Scans made after a right had ended, which wait for the owner; masked, owners only",
    auth: "dpop",
    query: ["after", "limit"],
    success: 200,
    response: heldScansPage,
  },
  acceptHeldScans: {
    method: "post",
    path: "/v1/checkpoints/{id}/held-scans:accept",
    summary: "Take held scans into lists and counts, marked as made after a revocation",
    auth: "dpop",
    request: heldDecision,
    success: 200,
    response: heldDecided,
  },
  discardHeldScans: {
    method: "post",
    path: "/v1/checkpoints/{id}/held-scans:discard",
    summary: "Leave held scans out for good; they stay, marked, until their retention ends",
    auth: "dpop",
    request: heldDecision,
    success: 200,
    response: heldDecided,
  },
  listAccessRecords: {
    method: "get",
    path: "/v1/access-records",
    summary: "Who looked at or changed what at a place of the caller's; owners only",
    auth: "dpop",
    query: ["checkpoint_id", "after", "limit"],
    success: 200,
    response: accessRecordsPage,
  },
  createSubjectRequest: {
    method: "post",
    path: "/v1/subject-requests",
    summary: "Take down what a person asks about its own data; reaches all places the caller owns",
    auth: "dpop",
    request: newSubjectRequest,
    success: 201,
    response: subjectRequest,
  },
  listSubjectRequests: {
    method: "get",
    path: "/v1/subject-requests",
    summary: "Requests the caller took down, newest first, with their terms",
    auth: "dpop",
    success: 200,
    response: subjectRequestsPage,
  },
  acknowledgeSubjectRequest: {
    method: "post",
    path: "/v1/subject-requests/{id}:acknowledge",
    summary: "The person was told that the request is being worked on",
    auth: "dpop",
    success: 200,
    response: subjectRequest,
  },
  carryOutSubjectRequest: {
    method: "post",
    path: "/v1/subject-requests/{id}:carry-out",
    summary: "Hand out, correct or erase what is kept of the person",
    auth: "dpop",
    request: carryOutSubjectRequest,
    success: 200,
    response: subjectOutcome,
  },
  refuseSubjectRequest: {
    method: "post",
    path: "/v1/subject-requests/{id}:refuse",
    summary: "End a request without carrying it out, with the reason",
    auth: "dpop",
    request: refuseSubjectRequest,
    success: 200,
    response: subjectRequest,
  },
  makePoster: {
    method: "post",
    path: "/v1/checkpoints/{id}/poster",
    summary: "The place's QR code as a page to print; owners and supervisors",
    auth: "dpop",
    request: posterRequest,
    success: 200,
    fileTypes: ["application/pdf", "image/png"],
  },
  exportEntries: {
    method: "post",
    path: "/v1/checkpoints/{id}/exports",
    summary:
      "Entries of a period as a file, oldest first; it says at its end how many rows it holds, or it was cut off",
    auth: "dpop",
    request: exportRequest,
    success: 200,
    fileTypes: ["text/csv", "application/json", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
  },
} as const satisfies Record<string, Operation>;
