import { randomUUID } from "node:crypto";
import Database from "better-sqlite3";
import { expect } from "vitest";
import { openStore } from "../central/store/store.ts";
import type { TokenReply } from "../contract/people.ts";
import { Device, newCheckpoint, type Rig } from "./central-rig.ts";
import type { PolicyRow } from "./policy-table.ts";

/** The visitor of every place. */
export const visitor = { number: "079099123456", fullName: "Hoàng Thị Chim" } as const;

export interface PolicyPlace {
  readonly phone: string;
  readonly owner: TokenReply;
  readonly checkpointId: string;
}

/** Places, rights and sign-ins as rows of the policy table have them, made the way people make them. */
export class PolicyPlaces {
  readonly rig: Rig;
  #phones = 0;

  constructor(rig: Rig) {
    this.rig = rig;
  }

  /** A phone nobody has used, of another prefix each time: limits per prefix are not what is tested here. */
  newPhone(): string {
    this.#phones += 1;
    return `09${String(10_000 + this.#phones).padStart(5, "0")}001`;
  }

  /** What the operator's command does on the centre's machine. */
  async makeOfficial(phone: string, units: readonly string[]): Promise<TokenReply> {
    const { store } = openStore(`sqlite:${this.rig.databasePath}`, this.rig.clock);
    await store.officials.add(await store.staff.personOf(phone, this.rig.clock.now()), "counts", units);
    await store.close();
    return this.rig.signIn(phone, "official");
  }

  /** A place with one visitor, as the row has it. */
  async placeOf(row: Pick<PolicyRow, "kind" | "kindStatus">): Promise<PolicyPlace> {
    this.rig.clock.advance(11 * 60_000);
    const phone = this.newPhone();
    const owner = await this.rig.signIn(phone, "owner");
    const checkpointId = randomUUID();
    const made = await this.rig.call("POST", "/v1/checkpoints", {
      body: { ...newCheckpoint(checkpointId), kind: row.kind, name: `Cơ sở ${this.#phones}`, confirm: true },
      token: owner.access_token,
    });
    expect(made.status).toBe(201);
    if (row.kindStatus === "approved") {
      const official = await this.makeOfficial(this.newPhone(), ["01"]);
      const approved = await this.rig.call("POST", `/v1/checkpoints/${checkpointId}:approve-kind`, {
        body: { decision: "approve", reference: "QĐ 12/SYT" },
        token: official.access_token,
      });
      expect([approved.status, approved.body.kind_status], approved.text).toEqual([200, "approved"]);
    }
    const device = new Device(checkpointId, this.rig.clock);
    const visit = device.entry({
      fields: {
        citizenNumber: visitor.number,
        fullName: visitor.fullName,
        dateOfBirth: "1991-02-03",
        address: "Số 5 Phố Chim",
        phone: "0911222333",
      },
    });
    const sent = await this.rig.upload(owner.access_token, device, [visit]);
    expect(sent.body.results).toMatchObject([{ status: "stored" }]);
    return { phone, owner, checkpointId };
  }

  async grantOf(place: PolicyPlace, row: PolicyRow): Promise<{ phone: string; staffId: string }> {
    const list = (
      await this.rig.call("GET", `/v1/checkpoints/${place.checkpointId}/staff`, { token: place.owner.access_token })
    ).body.items;
    if (row.role === "owner") return { phone: place.phone, staffId: list[0].staff_id };
    const phone = this.newPhone();
    const staffId = randomUUID();
    const body = { id: staffId, phone, display_name: "Trần Thị Thử", role: row.role };
    const added = await this.rig.call("POST", `/v1/checkpoints/${place.checkpointId}/staff`, {
      body,
      token: place.owner.access_token,
    });
    expect(added.status).toBe(201);
    return { phone, staffId };
  }

  /** The member the row is about, with the flag where it has one. */
  async memberOf(place: PolicyPlace, row: PolicyRow): Promise<{ phone: string; staffId: string }> {
    const grant = await this.grantOf(place, row);
    if (row.fullView) await this.#giveFlag(place, row, grant.staffId);
    return grant;
  }

  /** Gives the flag as an owner does; where the product refuses that, straight in the database: it must not help. */
  async #giveFlag(place: PolicyPlace, row: PolicyRow, staffId: string): Promise<void> {
    const changed = await this.rig.call("PATCH", `/v1/checkpoints/${place.checkpointId}/staff/${staffId}`, {
      body: { full_view: true },
      token: place.owner.access_token,
      headers: { "if-match": '"1"' },
    });
    if (["hospital", "quarantine_post"].includes(row.kind) && row.kindStatus === "approved") {
      expect([changed.status, changed.body.full_view, changed.body.version]).toEqual([200, true, 2]);
      return;
    }
    expect([changed.status, changed.body.type.split("/").at(-1)]).toEqual([422, "full_view_not_allowed"]);
    const database = new Database(this.rig.databasePath);
    database.prepare("UPDATE staff_grant SET full_view = 1 WHERE id = ?").run(staffId);
    database.close();
  }

  /** A token of whoever the row is about, whose sign-in is as old as the row says. */
  async tokenFor(place: PolicyPlace, row: PolicyRow): Promise<string> {
    let phone = row.role === null ? this.newPhone() : (await this.memberOf(place, row)).phone;
    this.rig.clock.advance(11 * 60_000);
    if (row.audience === "staff" && row.role === null) {
      const elsewhere = await this.placeOf({ kind: "office", kindStatus: "declared" });
      phone = (await this.grantOf(elsewhere, { ...row, role: "scanner" })).phone;
    }
    const signedIn =
      row.audience === "official"
        ? await this.makeOfficial(phone, ["01"])
        : await this.rig.signIn(phone, row.audience as "owner" | "staff");
    this.rig.clock.advance(row.signInAgeMs);
    if (row.signInAgeMs === 0) return signedIn.access_token;
    const renewed = await this.rig.call("POST", "/v1/auth/token", {
      body: { grant_type: "refresh_token", refresh_token: signedIn.refresh_token },
    });
    expect(renewed.status).toBe(200);
    return renewed.body.access_token;
  }
}
