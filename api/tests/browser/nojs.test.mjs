// Everything a person does works in a browser that runs no scripts.
import { test } from "node:test";
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { browse, isOut, letter, password, profile } from "./helper.mjs";

const browser = await browse();
const plain = { javaScriptEnabled: false };
const me = { email: `plain-${Date.now()}@example.org`, password: "a line nobody else would think of" };

/** Fills a form and sends it; gives the page after it. */
async function send(page, form, fields = {}) {
  const place = page.locator(form);
  for (const [name, value] of Object.entries(fields)) await place.locator(`[name=${name}]`).fill(value);
  await Promise.all([page.waitForEvent("load"), place.locator("button").first().click()]);
}

async function enter(page, login, secret) {
  await page.goto("/accounts/login/");
  assert.equal(await page.locator("[hidden]:visible").count(), 0, "what needs a script is not offered");
  await send(page, "form:has(#f-password)", { login, password: secret });
}

async function leave(page) {
  await page.click("#own > summary");
  await send(page, "form[action='/accounts/logout/']");
  assert.ok(isOut(page));
}

test("an account is made, confirmed by mail, used and left", async () => {
  const context = await profile(browser, plain);
  const page = await context.newPage();
  await page.goto("/accounts/signup/");
  await send(page, "main form", { email: me.email, name: "Plain Person", password: me.password });
  assert.match(page.url(), /\/accounts\/confirm-email\/$/);
  const mail = await letter(context.request, me.email);
  const [code] = mail.match(/\b[A-Z0-9]{4}-[A-Z0-9]{4}\b/) ?? assert.fail(`no code in ${mail}`);
  await send(page, "main form", { code });
  assert.match(page.url(), /\/dashboard\/$/, "the code lets in");
  for (const path of ["/dashboard/", "/affiliate/stats/", "/affiliate/conversions/", "/affiliate/links/"]) {
    const answer = await page.goto(path);
    assert.equal(answer.status(), 200, path);
    assert.equal(await page.locator("h1").count(), 1, path);
  }
  await page.goto("/accounts/settings/");
  assert.equal(await page.getAttribute("html", "lang"), "en");
  await page.selectOption("#f-language", "fr");
  await send(page, "main form:has(#f-language)");
  assert.equal(await page.getAttribute("html", "lang"), "fr", "the setting holds");
  await leave(page);
  await page.goto("/dashboard/");
  assert.ok(isOut(page));
  await enter(page, me.email, me.password);
  assert.match(page.url(), /\/dashboard\/$/);
});

test("an affiliate reads the numbers, filters them and makes a link", async () => {
  const page = await (await profile(browser, plain)).newPage();
  await enter(page, "affiliate", password);
  assert.match(await page.locator(".card-value").first().textContent(), /\d/);
  await page.click("#range > summary");
  await page.click("#range a[href*='range=today']");
  assert.match(page.url(), /range=today/);
  await page.goto("/dashboard/");
  assert.ok(await page.locator(".chart-table td").first().isVisible(), "the chart is a table");
  await page.locator(".card-value").first().click();
  assert.ok(await page.locator("main table.rows tbody tr").count(), "a number opens into what it counts");
  await page.goto("/affiliate/links/?edit=new");
  for (const name of ["affiliate", "program"]) {
    const option = page.locator(`#new select[name=${name}] option[value]:not([value=""])`).first();
    if (await option.count()) await page.selectOption(`#new [name=${name}]`, await option.getAttribute("value"));
  }
  const code = `plain-${Date.now()}`;
  await send(page, "#new form", { code });
  assert.ok((await page.locator(".toast").textContent()).includes(code));
  await page.goto("/affiliate/links/?q=" + code);
  assert.equal(await page.locator(".list > li").count(), 1);
});

test("codes of an app are switched on, asked for, and replaced by a recovery code once", async () => {
  const page = await (await profile(browser, plain)).newPage();
  await enter(page, "advertiser", password);
  await page.goto("/accounts/2fa/totp/");
  const secret = (await page.locator(".code code").first().textContent()).replace(/\s/g, "");
  assert.match(secret, /^[A-Z2-7]{16,}$/);
  await send(page, "main form:has(#f-code)", { code: totp(secret, 0) });
  const codes = await page.locator(".codes code").allTextContents();
  assert.equal(codes.length, 10);
  await leave(page);

  const second = async (code) => {
    await enter(page, "advertiser", password);
    assert.match(page.url(), /\/accounts\/login\/2fa\/$/, "the password is not enough");
    await page.goto("/dashboard/");
    assert.ok(isOut(page), "nothing is open before the code");
    await page.goto("/accounts/login/2fa/");
    await send(page, "main form:has(#f-code)", { code });
    return new URL(page.url()).pathname;
  };
  // The code of now is used up; the next one is good a little early.
  assert.equal(await second(totp(secret, 1)), "/dashboard/");
  await leave(page);
  assert.equal(await second(codes[0]), "/dashboard/");
  await leave(page);
  assert.equal(await second(codes[0]), "/accounts/login/2fa/", "a recovery code is good once");
  assert.equal(await page.locator("[role=alert]").count(), 1);
});

/** RFC 6238, six digits of thirty seconds. */
function totp(secret, later) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret].map((one) => letters.indexOf(one).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + later));
  const hash = createHmac("sha1", key).update(step).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}
