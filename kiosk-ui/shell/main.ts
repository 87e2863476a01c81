import { fileURLToPath } from "node:url";
import { app, ipcMain, Menu, MessageChannelMain, powerSaveBlocker, protocol, session } from "electron";
import { keepAgentRunning } from "./agent-process.ts";
import { channels } from "./channels.ts";
import { lockDown, openKioskWindow } from "./kiosk-window.ts";
import { readLaunchOptions } from "./launch-options.ts";
import { answerPageRequest, listPageFiles } from "./page-files.ts";
import { isPageUrl, pageScheme } from "./page-origin.ts";
import { lockSession } from "./permissions.ts";
import { report } from "./report.ts";

// Everything up to `whenReady` must run before Electron is ready.
app.enableSandbox();
protocol.registerSchemesAsPrivileged([
  { scheme: pageScheme, privileges: { standard: true, secure: true, supportFetchAPI: true } },
]);
app.on("web-contents-created", (_event, contents) => lockDown(contents));

if (app.requestSingleInstanceLock()) {
  app
    .whenReady()
    .then(startShell)
    .catch((error: unknown) => {
      report("shell-not-started", { reason: error instanceof Error ? error.message : String(error) });
      app.exit(1);
    });
} else {
  report("already-running");
  app.exit(0);
}

function startShell(): void {
  const options = readLaunchOptions(process.argv);
  const files = listPageFiles(options.kioskDir);
  protocol.handle(pageScheme, (request) => answerPageRequest(files, request));
  lockSession(session.defaultSession);
  Menu.setApplicationMenu(null);
  powerSaveBlocker.start("prevent-display-sleep");

  // dist/shell/main.js beside dist/preload/preload.js: the preload is a part of its own, because it must be CommonJS.
  const window = openKioskWindow(fileURLToPath(new URL("../preload/preload.js", import.meta.url)));
  const page = window.webContents;
  let pageListens = false;
  const offerPort = () => {
    if (!pageListens || page.isDestroyed()) return;
    const { port1, port2 } = new MessageChannelMain();
    if (agent.givePort(port1)) page.postMessage(channels.port, null, [port2]);
  };
  const agent = keepAgentRunning(options, {
    onStarted: offerPort,
    onGone: () => !page.isDestroyed() && page.send(channels.gone),
  });
  page.on("render-process-gone", () => {
    pageListens = false;
  });
  ipcMain.on(channels.wanted, ({ sender, senderFrame }) => {
    if (sender !== page || senderFrame?.parent !== null || !isPageUrl(senderFrame.url)) return;
    pageListens = true;
    offerPort();
  });
  app.on("second-instance", () => window.focus());
  app.on("before-quit", () => agent.stop());
}
