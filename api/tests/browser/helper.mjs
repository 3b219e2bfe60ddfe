// What all of these tests need: a browser, people who are signed in, and an ear for what a page says to the browser.
import { chromium } from "playwright-core";
import { after } from "node:test";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** Where the demonstration answers, as `http://localhost:8080`. */
export const base = process.env.TRIBUTARY_TEST_URL;
if (!base) throw new Error("TRIBUTARY_TEST_URL is not set: run deploy/test-browser.sh");
/** What every account of the demonstration has. */
export const password = "just looking around";
/** The second site. */
export const partner = base.replace("//localhost", "//partner.localhost");

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** One browser for a file, closed at its end. `keepsPages`: with the memory of pages that people's browsers have. */
export async function browse({ keepsPages = false } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    // The sandbox is for users; root, as in a container, has none.
    args: process.getuid() === 0 ? ["--no-sandbox"] : [],
    ignoreDefaultArgs: keepsPages ? ["--disable-back-forward-cache"] : [],
  });
  after(() => browser.close());
  return browser;
}

/** A browser's profile of its own. Nothing moves on its pages, so that colours are what they are meant to be. */
export async function profile(browser, options = {}) {
  const context = await browser.newContext({ baseURL: base, reducedMotion: "reduce", locale: "en-GB", ...options });
  await context.addInitScript(listen);
  return context;
}

// In the page, before anything of its own.
function listen() {
  window.violations = [];
  const noted = ({ violatedDirective, blockedURI, sourceFile }) => violatedDirective + " " + blockedURI + " " + sourceFile;
  document.addEventListener("securitypolicyviolation", (event) => window.violations.push(noted(event)));
  const shifts = [];
  const shifted = ({ value, sources }) => ({ value, of: sources.map(({ node }) => node?.outerHTML?.slice(0, 120)) });
  const watch = new PerformanceObserver((list) => shifts.push(...list.getEntries()));
  watch.observe({ type: "layout-shift", buffered: true });
  window.moved = () => shifts.concat(watch.takeRecords()).filter((one) => !one.hadRecentInput).map(shifted);
}

/** Types a name and a password into the sign-in page. */
export async function signIn(page, name, { secret = password, at = base } = {}) {
  await page.goto(at + "/accounts/login/");
  await page.fill("#f-login", name);
  await page.fill("#f-password", secret);
  await page.click("form:has(#f-password) button");
  await settled(page);
}

/** A profile with somebody signed in. */
export async function signedIn(browser, name, options) {
  const context = await profile(browser, options);
  const page = await context.newPage();
  await signIn(page, name);
  return { context, page };
}

/** Whether the page that stands there is that of somebody who has to sign in. */
export const isOut = (page) => new URL(page.url()).pathname === "/accounts/login/";

/** Waits for what a page's modules put on it, and for one picture after that. */
export async function settled(page) {
  await page.waitForLoadState("load");
  await page.waitForFunction(() => {
    const loaded = (name) => performance.getEntriesByType("resource").some((one) => one.name.endsWith("/" + name));
    const drawn = !document.querySelector("[data-chart]") || document.querySelector(".chart-plot canvas");
    const offered = !document.querySelector("[data-passkey]") || document.querySelector("[data-passkey][data-ready]");
    return drawn && offered && loaded("live.js");
  });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Collects what a page says that it should not: errors on its console, and what it asks of other origins. */
export function overhear(page) {
  const heard = { errors: [], foreign: [] };
  page.on("console", (message) => {
    if (message.type() === "error") heard.errors.push(message.text() + " " + message.location().url);
  });
  page.on("pageerror", (error) => heard.errors.push(String(error)));
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== "data:" && origin !== new URL(base).origin) heard.foreign.push(request.url());
  });
  return heard;
}

// Rows of a list are alike: axe takes long over each, and looks at the first few.
const alike = ["tbody tr:nth-child(n + 4)", ".list > li:nth-child(n + 4)", ".timeline > li:nth-child(n + 12)"];
const asked = { resultTypes: ["violations"], preload: false };

/** What axe finds that keeps people out, a line each. */
export async function barriers(page) {
  await page.evaluate(axe);
  const run = ([exclude, options]) => window.axe.run({ include: document, exclude: exclude.map((one) => [one]) }, options);
  const { violations } = await page.evaluate(run, [alike, asked]);
  const grave = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const line = (id, { html, any, all }) => `${id}: ${html.slice(0, 160)} ${[...any, ...all].map((one) => one.message)}`;
  return grave.flatMap(({ id, nodes }) => nodes.slice(0, 3).map((node) => line(id, node)));
}

/** The newest letter to an address. A job writes it down, so that it is asked for until it is there. */
export async function letter(request, to) {
  for (let n = 0; n < 300; n += 1) {
    const list = await (await request.get("/accounts/mail/")).text();
    const rows = list.matchAll(/<a href="(\/accounts\/mail\/[^"]+)">[\s\S]*?class="list-sub">([^<]*)</g);
    const found = [...rows].find(([, , sub]) => sub.startsWith(to + " "));
    if (found) return (await request.get(found[1])).text();
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`no letter to ${to}`);
}

/** Whoever is signed in by this name proved it longer ago than what lets people in may be changed for. */
export function anHourLater(name) {
  const sql = `UPDATE accounts_session SET proved_at = proved_at - interval '61 minutes'
    WHERE user_id = (SELECT id FROM accounts_user WHERE username = '${name}')`;
  execFileSync("psql", ["--quiet", "--no-psqlrc", "-v", "ON_ERROR_STOP=1", "-c", sql], { stdio: ["ignore", "ignore", "inherit"] });
}
