// Every page there is, found by following links: readable by everybody, on a phone and on a desk, in light and in
// dark, in both languages, and without a word of complaint from the browser.
import { test, describe } from "node:test";
import assert from "node:assert/strict";
import { barriers, base, browse, letter, overhear, profile, settled, signedIn } from "./helper.mjs";

const browser = await browse();

// Pages that differ by nothing but an id, a filter or a time are one page.
const FILTERS = /^(program|affiliate|link|referrer|country|device|reason|refusal|outcome|status)$/;
const TIMES = /^(range|from|to|tz|compare)$/;

function shape({ pathname, searchParams }) {
  const path = pathname.replace(/\/([a-z]+_\d+|[^/]*[0-9a-f]{10}[^/]*)\//g, "/*/");
  const asked = [...searchParams.keys()].map((key) => (FILTERS.test(key) ? "filter" : TIMES.test(key) ? "time" : key));
  return path + "?" + [...new Set(asked)].sort();
}

/** Follows every link from `start`, and gives an address of each shape `of` an address. */
async function crawl(request, start, of = shape) {
  const found = new Map();
  const waiting = [...start];
  for (let path; (path = waiting.shift()); ) {
    const url = new URL(path, base);
    // The links of letters are good once, and for others.
    const isOther = url.origin !== base || url.pathname.startsWith("/static/") || url.searchParams.has("token");
    if (isOther || found.has(of(url))) continue;
    found.set(of(url), url.pathname + url.search);
    const answer = await request.get(url.href, { headers: { accept: "text/html" } });
    assert.ok(answer.status() < 500, `${answer.status()} of ${path}`);
    if (!answer.headers()["content-type"].startsWith("text/html")) {
      found.delete(of(url));
      continue;
    }
    const links = [...(await answer.text()).matchAll(/<a [^>]*?href="([^"]*)"/g)];
    waiting.push(...links.map(([, href]) => new URL(href.replaceAll("&amp;", "&"), url).href));
  }
  return [...found.values()];
}

// In the page: what is wider than the screen, as it stands and with each of its menus open.
function tooWide() {
  const root = document.documentElement;
  const over = (what) => (root.scrollWidth > root.clientWidth ? [`${what} is ${root.scrollWidth} px wide`] : []);
  const wrong = over("it");
  for (const one of document.querySelectorAll("details:not([open])")) {
    one.open = true;
    wrong.push(...over(`with ${one.id || one.className} open it`));
    one.open = false;
  }
  return wrong;
}

/** What is wrong with the page that stands there. */
async function faults(page, heard, isNarrow) {
  const wrong = await barriers(page);
  const seen = await page.evaluate(() => ({
    title: document.title.trim(),
    h1: document.querySelectorAll("h1").length,
    violations: window.violations,
  }));
  if (!seen.title) wrong.push("no title");
  if (seen.h1 !== 1) wrong.push(`${seen.h1} h1`);
  if (isNarrow) wrong.push(...(await page.evaluate(tooWide)));
  wrong.push(...seen.violations.map((one) => `forbidden by the policy: ${one}`));
  wrong.push(...heard.errors.splice(0).map((one) => `on the console: ${one}`));
  wrong.push(...heard.foreign.splice(0).map((one) => `asks ${one}`));
  return wrong;
}

/**
 * Looks at each page at both widths, and at the same page asked otherwise on a phone; the theme changes from page to
 * page, and half of them are French.
 */
async function visit(signed, paths) {
  const storageState = await signed.storageState();
  const wrong = [];
  for (const lang of ["en", "fr"]) {
    const context = await profile(browser, { locale: lang, storageState });
    const page = await context.newPage();
    const heard = overhear(page);
    for (const [n, { path, status = 200 }] of paths.entries()) {
      const isWide = (n % 2 === 1) === (lang === "fr");
      if (isWide && paths.findIndex((one) => bare(one.path) === bare(path)) < n) continue;
      const colorScheme = (n >> 1) % 2 === Number(isWide) ? "dark" : "light";
      const width = isWide ? 1280 : 360;
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme });
      const answer = await page.goto(path);
      await settled(page);
      // A browser says on its console, too, that a page's status is an error's.
      if (status !== 200) heard.errors = heard.errors.filter((one) => !one.includes(`status of ${status}`));
      const found = await faults(page, heard, !isWide);
      if (answer.status() !== status) found.push(`status ${answer.status()}`);
      if ((await page.getAttribute("html", "lang")) !== lang) found.push("another language");
      wrong.push(...found.map((one) => `${path} (${width} px, ${lang}, ${colorScheme}): ${one}`));
      // What is asked for while a page is left is not answered, and it says so: that is not the next one's fault.
      await page.goto("about:blank");
      heard.errors.length = 0;
    }
    await context.close();
  }
  return wrong;
}

const bare = (path) => path.replace(/\?.*/, "");
const empty = { path: "/affiliate/links/?q=nothing-of-this-name" };
const missing = { path: "/nothing/here/", status: 404 };

describe("every page", { concurrency: 2 }, () => {
  test("of an admin", async (t) => {
    const { context, page } = await signedIn(browser, "admin");
    await page.close();
    const paths = await crawl(context.request, ["/dashboard/", "/styleguide", "/accounts/reauthenticate/"]);
    assert.ok(paths.length > 40, `only ${paths.length} pages`);
    t.diagnostic(`${paths.length} pages`);
    assert.deepEqual(await visit(context, [...paths.map((path) => ({ path })), missing]), []);
  });

  test("of an affiliate", async (t) => {
    const { context, page } = await signedIn(browser, "affiliate");
    await page.close();
    // The same pages as an admin's, with less on them: each once.
    const paths = await crawl(context.request, ["/dashboard/"], (url) => bare(shape(url)));
    assert.ok(paths.length > 15, `only ${paths.length} pages`);
    t.diagnostic(`${paths.length} pages`);
    const refused = { path: "/accounts/people/", status: 403 };
    assert.deepEqual(await visit(context, [...paths.map((path) => ({ path })), empty, refused]), []);
  });

  test("of nobody yet", async (t) => {
    const context = await profile(browser);
    // A letter, and the page that its link opens.
    const asks = { form: { email: "finance@demo.example" }, headers: { origin: base } };
    await context.request.post("/accounts/password/reset/", asks);
    const [, token] = (await letter(context.request, asks.form.email)).match(/reset\/confirm\/\?token=([\w-]+)/);
    const unlinked = ["/accounts/confirm-email/", "/accounts/password/reset/?done=sent", "/accounts/login/?done=out"];
    const paths = await crawl(context.request, ["/accounts/login/", ...unlinked]);
    assert.ok(paths.length > 7, `only ${paths.length} pages`);
    t.diagnostic(`${paths.length} pages`);
    const opened = { path: `/accounts/password/reset/confirm/?token=${token}` };
    const dead = { path: "/accounts/confirm-email/?token=spent", status: 404 };
    assert.deepEqual(await visit(context, [...paths.map((path) => ({ path })), missing, opened, dead]), []);
  });
});
