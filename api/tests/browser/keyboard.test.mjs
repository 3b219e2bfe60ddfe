// By keyboard alone: everything is reached, and one sees where one is.
import { test } from "node:test";
import assert from "node:assert/strict";
import { browse, isOut, password, profile, settled } from "./helper.mjs";

const browser = await browse();

/** What has the focus, and how that is seen. */
const focused = (page) => page.evaluate(() => {
  const one = document.activeElement;
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(one);
  const { width, height, top, bottom, left, right } = one.getBoundingClientRect();
  const isInside = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
  // The parts of a date field are the browser's own, and so is how they look.
  const isPart = !one.matches(":focus");
  const isSeen = isPart || (outlineStyle !== "none" && parseFloat(outlineWidth) >= 1 && !/, 0\)$/.test(outlineColor));
  const says = one.getAttribute("aria-describedby")?.split(" ").map((id) => document.getElementById(id)?.textContent);
  return { html: one.outerHTML.slice(0, 140), tag: one.tagName, name: one.name, text: one.textContent.trim(), says,
    isSeen: isSeen && isInside && width > 0 && height > 0 };
});

/** Presses Tab until what has the focus answers to `is`; each on the way is seen. */
async function tabTo(page, is) {
  for (let n = 0; n < 200; n += 1) {
    await page.keyboard.press("Tab");
    const one = await focused(page);
    if (one.tag === "BODY") continue;
    assert.ok(one.isSeen, `no focus is seen on ${one.html}`);
    if (is(one)) return one;
  }
  return assert.fail("not reached by Tab");
}

async function enter(page) {
  await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
  await settled(page);
}

test("one signs in, is told of a wrong password, and goes about, without a mouse", async () => {
  const page = await (await profile(browser)).newPage();
  await page.goto("/accounts/login/");
  await settled(page);
  const skip = await tabTo(page, () => true);
  assert.match(skip.html, /#content/, "the first leads past the navigation");
  await tabTo(page, ({ name }) => name === "login");
  await page.keyboard.type("manager");
  await tabTo(page, ({ name }) => name === "password");
  await page.keyboard.type("not the password");
  await enter(page);
  assert.ok(isOut(page));
  const alert = page.locator("[role=alert]");
  assert.equal(await alert.count(), 1, "it is said at once");
  assert.match(await alert.textContent(), /name with this password/);
  assert.equal(await page.inputValue("#f-login"), "manager", "what was typed is kept");

  await tabTo(page, ({ name }) => name === "password");
  await page.keyboard.type(password);
  await tabTo(page, ({ tag, text }) => tag === "BUTTON" && text === "Sign in");
  await enter(page);
  assert.match(page.url(), /\/dashboard\/$/);

  await tabTo(page, ({ html }) => html.includes("#content"));
  await page.keyboard.press("Enter");
  assert.equal((await page.evaluate(() => document.activeElement.id)), "content");
  await page.keyboard.press("/");
  assert.equal((await focused(page)).name, "q", "a slash searches");
  await tabTo(page, ({ tag }) => tag === "SUMMARY");
  await page.keyboard.press("Enter");
  await tabTo(page, ({ html }) => html.includes("/accounts/profile/"));
  await page.keyboard.press("Escape");
  assert.equal((await focused(page)).tag, "SUMMARY", "Escape closes the menu and goes back to it");
  assert.equal(await page.locator("details.menu[open]").count(), 0);
});

test("what is wrong with a field is said with the field", async () => {
  const page = await (await profile(browser)).newPage();
  await page.goto("/accounts/signup/");
  await settled(page);
  await tabTo(page, ({ name }) => name === "email");
  await page.keyboard.type("somebody@example.org");
  await tabTo(page, ({ name }) => name === "password");
  await page.keyboard.type("short");
  await enter(page);
  assert.equal(await page.inputValue("[name=email]"), "somebody@example.org", "what was typed is kept");
  const field = await tabTo(page, ({ name }) => name === "password");
  assert.match(field.html, /aria-invalid="true"/);
  assert.match(field.says?.join(" ") ?? "", /12/, "and what to type instead");
});

test("every stop of the dashboard and of the links shows the focus", async () => {
  const page = await (await profile(browser)).newPage();
  await page.goto("/accounts/login/");
  await page.fill("#f-login", "manager");
  await page.fill("#f-password", password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/dashboard/");
  for (const path of ["/dashboard/", "/affiliate/links/?edit=new"]) {
    await page.goto(path);
    await settled(page);
    const stops = await page.evaluate(() => document.querySelectorAll("a[href], button, input, select, summary").length);
    assert.ok(stops > 20);
    for (let n = 0; n < Math.min(stops, 60); n += 1) {
      await page.keyboard.press("Tab");
      const one = await focused(page);
      if (one.tag !== "BODY") assert.ok(one.isSeen, `no focus is seen on ${one.html}`);
    }
  }
});
