// What stands in a browser ends with the session: after signing out, and when it is ended from elsewhere.
import { test } from "node:test";
import assert from "node:assert/strict";
import { browse, isOut, settled, signedIn } from "./helper.mjs";

// As people's browsers do, this one keeps pages for its Back button.
const browser = await browse({ keepsPages: true });

test("after signing out, Back shows nothing of the account", async () => {
  const { page } = await signedIn(browser, "support");
  const own = ["/dashboard/", "/affiliate/conversions/", "/accounts/profile/"];
  for (const path of own) {
    await page.goto(path);
    await settled(page);
    assert.match(await page.content(), /support@/, "the account's own address stands there");
  }
  await page.click("#own > summary");
  await page.click("form[action='/accounts/logout/'] button");
  await page.waitForURL("**/accounts/login/**");
  for (const path of own.reverse()) {
    await page.goBack({ waitUntil: "commit" });
    assert.ok(isOut(page), `${path} asks to sign in`);
    assert.doesNotMatch(await page.content(), /support@|class="card-value"/);
  }
  await page.goto("/dashboard/");
  assert.ok(isOut(page), "nor forwards");
});

test("a session that is ended from another browser is signed out at its next request", async () => {
  const here = await signedIn(browser, "support");
  // A name of its own, to be found among the others by.
  const userAgent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/145.0";
  const there = await signedIn(browser, "support", { userAgent });
  await here.page.goto("/accounts/sessions/");
  await settled(here.page);
  await here.page.click("li:has-text('Firefox · Windows') button");
  await here.page.waitForSelector("li:has-text('Firefox · Windows')", { state: "detached" });
  await there.page.reload();
  assert.ok(isOut(there.page), "ended");
  const api = await there.context.request.get("/api/v1/affiliate/links/");
  assert.equal(api.status(), 401);
  await here.page.reload();
  assert.ok(!isOut(here.page), "who ended it stays");
});

test("signing out everywhere else leaves this browser alone", async () => {
  const others = [await signedIn(browser, "support"), await signedIn(browser, "support")];
  const { page } = await signedIn(browser, "support");
  await page.goto("/accounts/sessions/");
  await settled(page);
  await page.click("form[action='/accounts/sessions/end-others/'] button");
  await page.waitForSelector(".said");
  assert.equal(await page.locator(".own-list > li").count(), 1);
  for (const other of others) {
    await other.page.reload();
    assert.ok(isOut(other.page));
  }
  await page.goto("/dashboard/");
  assert.ok(!isOut(page));
});
