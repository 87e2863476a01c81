import type { Member, StoredDuty } from "../agent/duty/credential-store.ts";

/** A member without a PIN, as a sign-in by one-time code leaves it. */
export function memberOf(staffRef: string, tokens: Member["tokens"], change: Partial<Member> = {}): Member {
  return {
    staffRef,
    name: "Trần Thị Thử",
    phoneMasked: "090••••002",
    role: "scanner",
    tokens,
    previousRefreshToken: null,
    fullView: false,
    expired: false,
    pin: null,
    tries: { wrong: 0, wait: null },
    ...change,
  };
}

/** The duty file of a machine on which this one member is known and on duty. */
export function onDutyAlone(member: Member): StoredDuty {
  return {
    members: [member],
    onDuty: { staffRef: member.staffRef, sinceMs: 0 },
    notice: null,
    triesOfAll: 0,
    revocations: [],
  };
}
