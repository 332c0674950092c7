/** Drive a headless Chromium over its debugging pipe (Chrome DevTools Protocol). */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OPTIONS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--hide-scrollbars",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--force-color-profile=srgb",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  "--remote-debugging-pipe",
];

/** Start the browser. Call `close` at the end. */
export async function openBrowser() {
  const profile = mkdtempSync(join(tmpdir(), "chromium-"));
  const program = process.env.SITE_CHROMIUM ?? "chromium";
  const child = spawn(program, [...OPTIONS, `--user-data-dir=${profile}`], {
    stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const calls = new Map();
  const listeners = new Set();
  let last = 0;
  let text = "";
  child.stdio[4].setEncoding("utf8").on("data", (chunk) => {
    const messages = (text + chunk).split("\0");
    text = messages.pop() ?? "";
    for (const message of messages.map((part) => JSON.parse(part))) {
      const call = calls.get(message.id);
      calls.delete(message.id);
      if (!call) for (const listener of listeners) listener(message);
      else if (message.error) call.reject(new Error(`${call.method}: ${message.error.message}`));
      else call.resolve(message.result);
    }
  });
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      calls.set(++last, { method, resolve, reject });
      child.stdio[3].write(`${JSON.stringify({ id: last, method, params, sessionId })}\0`);
    });
  const close = async () => {
    await send("Browser.close").catch(() => undefined);
    await ended;
    rmSync(profile, { recursive: true, force: true });
  };
  return { newPage: () => openPage(send, listeners), close };
}

/** Open a page in a context of its own, without cookies and cache of others. */
async function openPage(send, listeners) {
  const { browserContextId } = await send("Target.createBrowserContext");
  const { targetId } = await send("Target.createTarget", { url: "about:blank", browserContextId });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const call = (method, params) => send(method, params, sessionId);
  const requests = [];
  const problems = [];
  const waiting = [];
  const sizes = new Map();
  listeners.add((message) => {
    if (message.sessionId !== sessionId) return;
    const { method, params } = message;
    if (method === "Network.requestWillBeSent") requests.push({ id: params.requestId, url: params.request.url, type: params.type });
    if (method === "Network.loadingFinished") sizes.set(params.requestId, params.encodedDataLength);
    if (method === "Log.entryAdded" && params.entry.level === "error") problems.push(`${params.entry.text} ${params.entry.url ?? ""}`);
    if (method === "Runtime.exceptionThrown") problems.push(params.exceptionDetails.exception?.description ?? "exception");
    for (const wait of [...waiting]) if (wait.method === method) waiting.splice(waiting.indexOf(wait), 1)[0].resolve(params);
  });
  for (const domain of ["Page", "Network", "Runtime", "Log"]) await call(`${domain}.enable`);
  const event = (method) => new Promise((resolve) => waiting.push({ method, resolve }));

  /** Evaluate an expression in the page; a promise is awaited. */
  const evaluate = async (expression) => {
    const { result, exceptionDetails } = await call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  };

  return {
    call,
    evaluate,
    requests,
    problems,
    sizeOf: (id) => sizes.get(id) ?? 0,
    /** Set width and height, scheme and whether scripts run. */
    async emulate({ width = 1280, height = 900, isDark = false, hasScript = true }) {
      await call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
      await call("Emulation.setEmulatedMedia", {
        features: [{ name: "prefers-color-scheme", value: isDark ? "dark" : "light" }],
      });
      await call("Emulation.setScriptExecutionDisabled", { value: !hasScript });
    },
    /** Go to an address and wait until it is loaded. */
    async goTo(url) {
      requests.length = 0;
      problems.length = 0;
      const loaded = event("Page.loadEventFired");
      const { errorText } = await call("Page.navigate", { url });
      if (errorText) throw new Error(`${url}: ${errorText}`);
      await loaded;
    },
    /** Do something that leads to another page, and wait until it is loaded. */
    async follow(action) {
      const loaded = event("Page.loadEventFired");
      await action();
      await loaded;
    },
    /** Wait until an expression is true. */
    async until(expression) {
      for (const end = Date.now() + 20_000; Date.now() < end; ) {
        if (await evaluate(expression)) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error(`was not true within 20 seconds: ${expression}`);
    },
    /** Press a key, such as `Tab`, `Enter` or `ArrowDown`. */
    async press(key) {
      const codes = { Tab: 9, Enter: 13, Escape: 27, ArrowUp: 38, ArrowDown: 40 };
      const common = { key, code: key, windowsVirtualKeyCode: codes[key] };
      await call("Input.dispatchKeyEvent", { type: "keyDown", ...common, ...(key === "Enter" ? { text: "\r" } : {}) });
      await call("Input.dispatchKeyEvent", { type: "keyUp", ...common });
    },
    /** Return the text that an element shows; scripts of the page may be off. */
    text: (selector) => evaluate(`document.querySelector(${JSON.stringify(selector)})?.innerText.trim()`),
    close: () => send("Target.closeTarget", { targetId }),
    type: (text) => call("Input.insertText", { text }),
    /** Return the bytes of a screenshot: of the window, or of the whole page. */
    async screenshot({ isWhole = false, quality = 80, format = "webp" } = {}) {
      const { data } = await call("Page.captureScreenshot", { format, captureBeyondViewport: isWhole, ...(format === "png" ? {} : { quality }) });
      return Buffer.from(data, "base64");
    },
  };
}
