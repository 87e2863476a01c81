/** Shapes of the contract as the pages read and write them; types only, so that no schema comes into the browser. */
import type { z } from "zod";
import type { adminUnit } from "../../contract/admin-units.ts";
import type * as devices from "../../contract/devices.ts";
import type * as people from "../../contract/people.ts";
import type * as places from "../../contract/places.ts";
import type * as privacy from "../../contract/privacy.ts";

export type AdminUnit = z.infer<typeof adminUnit>;
export type Place = z.infer<typeof places.checkpoint>;
export type PlaceDetail = z.infer<typeof places.checkpointDetail>;
export type NewPlace = z.input<typeof places.newCheckpoint>;
export type PlaceChange = z.input<typeof places.checkpointChange>;
export type KindList = z.infer<typeof places.checkpointKindList>;
export type CodeAnswer = z.infer<typeof places.placeCodeAnswer>;
export type StaffMember = people.StaffMember;
export type NewStaff = z.input<typeof people.newStaff>;
export type StaffChange = z.input<typeof people.staffChange>;
export type HeldScan = z.infer<typeof privacy.heldScan>;
export type HeldScansPage = z.infer<typeof privacy.heldScansPage>;
export type AccessRecordsPage = z.infer<typeof privacy.accessRecordsPage>;
export type SubjectRequest = privacy.SubjectRequest;
export type NewSubjectRequest = z.input<typeof privacy.newSubjectRequest>;
export type SubjectOutcome = z.infer<typeof privacy.subjectOutcome>;
export type SubjectCorrection = z.input<typeof privacy.subjectCorrection>;
export type OwnedDevice = devices.OwnedDevice;
export type WaitingDevice = devices.WaitingDevice;
export type DeviceInvitation = z.infer<typeof devices.deviceInvitation>;
