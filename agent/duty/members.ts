import type { Member, StoredDuty } from "./credential-store.ts";
import { noTries } from "./pin-tries.ts";

/** So many members are known on one machine; whoever was not on duty for longest makes room. */
export const mostMembers = 50;

/** The state with this member changed where it stands; as it is when nobody of that reference is known. */
export function amended(state: StoredDuty, changed: Member): StoredDuty {
  const members = state.members.map((member) => (member.staffRef === changed.staffRef ? changed : member));
  return { ...state, members };
}

/**
 * The state with this member on duty, known first, and what it displaces: an earlier sign-in of the same member and, where
 * too many are known, whoever was not on duty for longest.
 */
export function onDuty(
  state: StoredDuty,
  member: Member,
  nowMs: number,
): { readonly state: StoredDuty; readonly forgotten: readonly Member[] } {
  const { staffRef } = member;
  const before = state.members.find((known) => known.staffRef === staffRef);
  const all = [member, ...state.members.filter((known) => known !== before)];
  const forgotten = all.slice(mostMembers);
  const isNewSignIn = before !== undefined && before.tokens.refreshToken !== member.tokens.refreshToken;
  const ended = [...(isNewSignIn ? [before] : []), ...forgotten].map(({ tokens }) => tokens.refreshToken);
  return {
    state: {
      ...state,
      members: all.slice(0, mostMembers),
      onDuty: state.onDuty?.staffRef === staffRef ? state.onDuty : { staffRef, sinceMs: nowMs },
      notice: null,
      revocations: [...state.revocations, ...ended],
    },
    forgotten,
  };
}

/** The state with the tries of a member, who has got it right in the end, taken back. */
export function forgiven(state: StoredDuty, member: Member): StoredDuty {
  const triesOfAll = Math.max(0, state.triesOfAll - member.tries.wrong);
  return { ...amended(state, { ...member, tries: noTries }), triesOfAll };
}

export function offDuty(state: StoredDuty): StoredDuty {
  return { ...state, onDuty: null };
}

/** The state without this member, its sign-in to be ended at the centre; null when it is not known. */
export function without(state: StoredDuty, staffRef: string): StoredDuty | null {
  const gone = state.members.find((member) => member.staffRef === staffRef);
  if (gone === undefined) return null;
  return {
    ...state,
    members: state.members.filter((member) => member !== gone),
    onDuty: state.onDuty?.staffRef === staffRef ? null : state.onDuty,
    revocations: [...state.revocations, gone.tokens.refreshToken],
  };
}
