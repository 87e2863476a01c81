import { isAbsolute } from "node:path";

/**
 * Reads `--agent-entry=FILE --agent-config=FILE --kiosk-dir=DIR` (built agent, its configuration, built page) among
 * whatever switches Electron adds. Throws an `Error` with one sentence when one is missing or not an absolute path.
 */
export function readLaunchOptions(commandLine: readonly string[]) {
  const read = (name: string): string => {
    const prefix = `--${name}=`;
    const value = commandLine.find((argument) => argument.startsWith(prefix))?.slice(prefix.length) ?? "";
    if (!isAbsolute(value)) throw new Error(`The kiosk window needs ${prefix}PATH with an absolute path.`);
    return value;
  };
  return { agentEntry: read("agent-entry"), agentConfig: read("agent-config"), kioskDir: read("kiosk-dir") };
}

export type LaunchOptions = Readonly<ReturnType<typeof readLaunchOptions>>;
