// Passkeys, made and used with an authenticator that Chromium itself plays.
import { test } from "node:test";
import assert from "node:assert/strict";
import { anHourLater, browse, isOut, password, settled, signedIn } from "./helper.mjs";

const browser = await browse();
const authenticator = {
  protocol: "ctap2",
  transport: "internal",
  hasResidentKey: true,
  hasUserVerification: true,
  isUserVerified: true,
  automaticPresenceSimulation: true,
};

test("a passkey is made after a fresh proof, and signs in by itself until it is removed", async () => {
  const { context, page } = await signedIn(browser, "analyst");
  const chromium = await context.newCDPSession(page);
  await chromium.send("WebAuthn.enable");
  const { authenticatorId } = await chromium.send("WebAuthn.addVirtualAuthenticator", { options: authenticator });
  const kept = async () => (await chromium.send("WebAuthn.getCredentials", { authenticatorId })).credentials;

  await anHourLater("analyst");
  await page.goto("/accounts/2fa/");
  assert.equal(new URL(page.url()).pathname, "/accounts/reauthenticate/", "asked who it is");
  await page.fill("#f-password", password);
  await page.click("form:has(#f-password) button");
  await page.waitForURL("**/accounts/2fa/");
  await settled(page);
  await page.fill("#passkey-name", "Key of a test");
  await page.click("form[data-passkey] button");
  await page.waitForSelector("text=Key of a test");
  const [credential, ...more] = await kept();
  assert.equal(more.length, 0);
  assert.ok(credential.isResidentCredential, "found without a name");
  assert.equal(credential.rpId, "localhost");

  const touches = (enabled) => chromium.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled });
  const use = async () => {
    // Until somebody touches it, the page only offers it in the field of the name.
    assert.ok(isOut(page));
    await touches(true);
    await page.click("form[data-passkey] button");
  };
  await touches(false);
  await leave(page);
  await use();
  await page.waitForURL("**/dashboard/");
  await page.goto("/accounts/security-log/");
  assert.ok(!isOut(page));
  await page.goto("/accounts/2fa/");
  assert.equal(new URL(page.url()).pathname, "/accounts/2fa/", "a passkey is a fresh proof");

  await touches(false);
  await settled(page);
  await page.click("li:has-text('Key of a test') button");
  await page.waitForSelector("text=Key of a test", { state: "detached" });
  await leave(page);
  assert.equal((await kept()).length, 1, "the authenticator still has it");
  await use();
  await page.waitForSelector("form[data-passkey] [data-says]:not(:empty)");
  assert.ok(isOut(page), "what was removed opens nothing");
});

async function leave(page) {
  await page.click("#own > summary");
  await page.click("form[action='/accounts/logout/'] button");
  await page.waitForURL("**/accounts/login/**");
  await settled(page);
}
