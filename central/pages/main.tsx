import { render } from "preact";
import { App } from "./app.tsx";
import { followAddress } from "./route.ts";

followAddress();
const root = document.getElementById("app");
if (root) render(<App />, root);
