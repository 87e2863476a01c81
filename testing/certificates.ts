import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

export interface Certificate {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

export interface Authority {
  /** PEM, for whoever is to believe in it. */
  readonly ca: string;
  /** A server certificate for `host`, valid from and until these times (ms since the epoch). */
  issue(host: string, from: number, until: number): Certificate;
}

const dayMs = 24 * 3_600_000;
/** `YYYYMMDDHHMMSSZ`. */
const stamp = (ms: number) => `${new Date(ms).toISOString().replace(/\D/g, "").slice(0, 14)}Z`;

/** A certificate authority in `folder` that lives as long as the test, made with the program `openssl`. */
export function authority(folder: string): Authority {
  const file = (name: string) => path.join(folder, name);
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const ecKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  writeFileSync(file("index.txt"), "");
  writeFileSync(
    file("ca.cnf"),
    [
      "[ca]\ndefault_ca = own",
      "[own]\ndatabase = index.txt\nnew_certs_dir = .\ncertificate = ca.pem\nprivate_key = ca.key",
      "default_md = sha256\nrand_serial = yes\npolicy = any\nunique_subject = no\ncopy_extensions = copy",
      "[any]\ncommonName = supplied",
    ].join("\n"),
  );
  openssl(
    "req",
    "-x509",
    ...ecKey,
    "-keyout",
    "ca.key",
    "-out",
    "ca.pem",
    "-days",
    "30",
    "-subj",
    "/CN=Test authority",
  );
  let issued = 0;
  return {
    ca: readFileSync(file("ca.pem"), "utf8"),
    issue(host, from, until) {
      issued += 1;
      const [key, request, cert] = [`${issued}.key`, `${issued}.csr`, `${issued}.pem`];
      const name = /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
      const subject = ["-subj", `/CN=${host}`, "-addext", `subjectAltName=${name}`];
      openssl("req", ...ecKey, "-keyout", key, "-out", request, ...subject);
      const validity = ["-startdate", stamp(from), "-enddate", stamp(until)];
      openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-in", request, "-out", cert, ...validity);
      return { key: readFileSync(file(key), "utf8"), cert: readFileSync(file(cert), "utf8") };
    },
  };
}

/** Valid from yesterday until tomorrow. */
export const today = (): [from: number, until: number] => [Date.now() - dayMs, Date.now() + dayMs];
