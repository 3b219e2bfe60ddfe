// Sites are told apart by their hosts, as a browser sees it.
import { test } from "node:test";
import assert from "node:assert/strict";
import { base, browse, isOut, partner, profile, settled, signedIn, signIn } from "./helper.mjs";

const browser = await browse();
const SESSION = "__Host-sid";

test("a session's cookie does nothing at another site", async () => {
  const { context, page } = await signedIn(browser, "finance");
  const [cookie, ...more] = (await context.cookies()).filter(({ name }) => name === SESSION);
  assert.equal(more.length, 0);
  assert.deepEqual([cookie.domain, cookie.secure, cookie.httpOnly, cookie.sameSite], ["localhost", true, true, "Lax"]);

  await page.goto(partner + "/dashboard/");
  assert.ok(isOut(page) && page.url().startsWith(partner), "not sent along, and asked to sign in");
  // Carried there by hand it is refused as well.
  const carried = { name: SESSION, value: cookie.value, secure: true, httpOnly: true, sameSite: "Lax" };
  await context.addCookies([{ ...carried, url: `https://${new URL(partner).hostname}/` }]);
  const there = await context.cookies(partner.replace("http:", "https:"));
  assert.ok(there.some(({ value }) => value === cookie.value));
  await page.goto(partner + "/dashboard/");
  assert.ok(isOut(page), "asked to sign in");
  const asked = page.evaluate((path) => fetch(path).then((answer) => answer.status), "/api/v1/affiliate/links/");
  assert.equal(await asked, 401);

  await page.goto(base + "/dashboard/");
  assert.ok(!isOut(page), "at its own site it still does");
  await page.goto(base + "/accounts/security-log/");
  const events = await page.locator("main").textContent();
  assert.match(events, /partner\.localhost/, "its owner is told where it turned up");
});

test("each site lets its own people in and shows them nothing of the other", async () => {
  const page = await (await profile(browser)).newPage();
  await signIn(page, "partner-manager", { at: partner });
  assert.ok(!isOut(page));
  await page.goto(partner + "/affiliate/programs/");
  await settled(page);
  const names = (await page.locator("main .list-title").allTextContents()).join(" ");
  assert.match(names, /Garden Tools/);
  await page.goto(base + "/dashboard/");
  assert.ok(isOut(page));

  const { page: own } = await signedIn(browser, "finance");
  await own.goto("/affiliate/programs/");
  assert.doesNotMatch(await own.locator("main").textContent(), /Garden Tools/);
  const stranger = await (await profile(browser)).newPage();
  await signIn(stranger, "finance", { at: partner });
  assert.equal((await stranger.goto(partner + "/dashboard/")).status(), 403, "who is nobody there sees nothing");
  assert.doesNotMatch(await stranger.locator("main").textContent(), /\d/);
});

test("a host that is nobody's is answered with 421 and nothing of ours", async () => {
  const context = await profile(browser);
  const page = await context.newPage();
  const answer = await page.goto(base.replace("//localhost", "//nobody.localhost") + "/dashboard/");
  assert.equal(answer.status(), 421);
  assert.doesNotMatch(await page.content(), /Tributary|Partner Place|<form/);
  assert.deepEqual(await context.cookies(), []);
});
