// Looks at every page in a real browser: nothing axe-core calls serious, no message in the console,
// nothing wider than the window; at 1280 and 360 px, light and dark, English and French, with and
// without scripts. Leaves a screenshot of each. By hand; see README.md here.
import { chromium } from "playwright-core";
import { createRequire } from "node:module";
import fs from "node:fs";

const [base, token, out = "shots", only = ""] = process.argv.slice(2);
if (!base || !token) {
  console.error("node check.mjs http://localhost:8080 TOKEN [FOLDER [PAGES]]");
  process.exit(2);
}
const pages = {
  dashboard: "/dashboard/", day: "/dashboard/?range=today", year: "/dashboard/?range=year&compare=year",
  stats: "/affiliate/stats/?group_by=program,country&range=30d", clicks: "/affiliate/clicks/",
  links: "/affiliate/links/", "links-new": "/affiliate/links/?edit=new", conversions: "/affiliate/conversions/",
  commissions: "/affiliate/commissions/", programs: "/affiliate/programs/?edit=new",
  affiliates: "/affiliate/affiliates/", styleguide: "/styleguide", missing: "/nothing/",
};
const axe = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
fs.mkdirSync(out, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let wrong = 0;
const complain = (...words) => { wrong += 1; console.log(...words); };

async function look(name, path, width, scheme, locale, script) {
  const context = await browser.newContext({
    viewport: { width, height: width < 500 ? 760 : 820 }, colorScheme: scheme, locale,
    javaScriptEnabled: script, reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const label = `${name}-${width}-${scheme}-${locale.slice(0, 2)}${script ? "" : "-noscript"}`;
  page.on("console", (message) => {
    const expected = name === "missing" && message.text().includes("404");
    if (message.type() === "error" && !expected) complain(label, message.text());
  });
  page.on("pageerror", (error) => complain(label, error.message));
  await page.goto(`${base}/dashboard/?token=${token}`);
  await page.goto(base + path);
  await page.waitForTimeout(600);
  if (script) {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) complain(label, `is ${wide} px wider than the window`);
    // Outside of the page's own policy, which rightly refuses a script put in by hand.
    const client = await context.newCDPSession(page);
    await client.send("Runtime.evaluate", { expression: axe });
    const found = await page.evaluate(() => window.axe.run());
    for (const one of found.violations.filter((one) => ["serious", "critical"].includes(one.impact))) {
      complain(label, one.id, one.help, one.nodes.slice(0, 2).map((node) => node.html.slice(0, 120)));
    }
  }
  await page.screenshot({ path: `${out}/${label}.png`, fullPage: true });
  await context.close();
}

for (const [name, path] of Object.entries(pages)) {
  if (only && !only.split(",").includes(name)) continue;
  for (const width of [1280, 360]) {
    await look(name, path, width, "light", "en-GB", true);
    await look(name, path, width, "dark", "fr-FR", true);
  }
}
await look("dashboard", pages.dashboard, 1280, "light", "en-GB", false);
await browser.close();
console.log(wrong ? `${wrong} things are wrong` : "nothing is wrong");
process.exit(wrong ? 1 : 0);
