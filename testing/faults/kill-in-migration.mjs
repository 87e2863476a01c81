// Preloaded into an agent (NODE_OPTIONS=--import): the process dies before the KILL_AT-th step of a migration of its
// journal, counted from 1, and leaves the file KILL_TOLD. Steps are the copy, each statement of a script, the commit, and
// what comes after it.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isMainThread } from "node:worker_threads";

const killAt = Number(process.env.KILL_AT);
let steps = 0;
let isMigrating = false;

const step = (name) => {
  if (++steps !== killAt) return;
  writeFileSync(process.env.KILL_TOLD, name);
  process.kill(process.pid, "SIGKILL");
};

if (!isMainThread) {
  const { prototype } = createRequire(process.argv[1])("better-sqlite3");
  const { exec, pragma, prepare, transaction } = prototype;
  prototype.transaction = function (work) {
    const original = transaction.call(this, work);
    const { immediate } = transaction.call(this, () => {
      work();
      step("COMMIT");
    });
    return Object.assign((...values) => original(...values), {
      immediate: () => {
        step("BEGIN");
        isMigrating = true;
        immediate();
        isMigrating = false;
        step("after the commit");
      },
    });
  };
  prototype.exec = function (script) {
    if (!isMigrating) return exec.call(this, script);
    for (const statement of script.split(";").filter((each) => each.trim() !== "")) {
      step(statement.trim());
      exec.call(this, statement);
    }
    return this;
  };
  prototype.pragma = function (text, options) {
    if (isMigrating) step(`PRAGMA ${text}`);
    return pragma.call(this, text, options);
  };
  prototype.prepare = function (sql) {
    const isCopy = sql.startsWith("VACUUM INTO");
    if (isCopy || (isMigrating && sql.startsWith("INSERT"))) step(sql);
    const statement = prepare.call(this, sql);
    if (!isCopy) return statement;
    return {
      run: (...values) => {
        statement.run(...values);
        step("the copy is written");
      },
    };
  };
}
