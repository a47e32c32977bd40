// Shows the page in Chromium, and clicks and types there as standard input says.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";

import { chromium } from "playwright-core";

import { nextLine, tell } from "./lines.mjs";

const [executablePath, profile, bundle, ...args] = process.argv.slice(2);
const html = '<!doctype html><meta charset="utf-8"><title>Talk</title><div id="page"></div><script src="page.js"></script>';
const server = createServer(async (request, response) => {
  const script = request.url.endsWith("page.js");
  response.setHeader("Content-Type", script ? "text/javascript" : "text/html");
  response.end(script ? await readFile(bundle) : html);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const here = `http://127.0.0.1:${server.address().port}/`;

const quiet = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const microphone = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"];
const browser = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  chromiumSandbox: false,
  viewport: { width: 760, height: 640 },
  args: [...quiet, ...microphone, ...args],
});
const page = browser.pages()[0] ?? (await browser.newPage());
page.on("pageerror", (error) => console.error("page:", error.message));

async function act({ do: what, ...fields }) {
  switch (what) {
    case "open":
      await page.goto("about:blank");
      await page.goto(here + "#" + encodeURIComponent(JSON.stringify(fields.options)));
      return page.click("#start");
    case "say":
      await page.fill("#text", fields.text);
      return page.click("#say");
    case "click":
      return page.click("#" + fields.button);
    case "status":
      return page.locator("#status").getByText(fields.text, { exact: true }).waitFor({ timeout: fields.timeout_ms });
    case "shown": // the lines of the conversation, once there are so many of this kind
      await page.locator("#conversation li." + fields.kind).nth(fields.count - 1).waitFor({ timeout: fields.timeout_ms });
      return page.locator("#conversation li").evaluateAll((all) => all.map((one) => [one.className, one.textContent]));
    case "text":
      return page.locator(fields.selector).first().textContent({ timeout: fields.timeout_ms });
    case "told":
      return page.evaluate(() => window.told);
    case "screenshot":
      return page.screenshot({ path: fields.path }).then(() => null);
    default:
      throw new Error(what);
  }
}

tell("ready", { version: browser.browser()?.version() ?? null });
for (let line; (line = await nextLine()) !== null; ) {
  try {
    tell("done", { value: (await act(line)) ?? null });
  } catch (error) {
    const shown = await page.evaluate(() => document.body.innerText).catch(() => "");
    tell("failed", { text: `${error.message}\non the page:\n${shown}` });
  }
}
await browser.close();
server.close();
