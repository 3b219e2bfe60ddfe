// Another page, opened in the browser of somebody who is signed in, changes nothing and reads nothing.
import { test, after } from "node:test";
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { base, browse, isOut, password, profile, settled, signedIn, signIn } from "./helper.mjs";

const browser = await browse();

// Sends at once what its address says: as a form, as one out of a frame that has no origin, or by a script.
const attack = `<!DOCTYPE html><title>a page of somebody else</title><body><script>
  const { how, to, fields } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const escaped = (text) => text.replace(/[&"<]/g, (one) => "&#" + one.charCodeAt(0) + ";");
  const inputs = Object.entries(fields).map(([name, value]) => '<input name="' + name + '" value="' + escaped(value) + '">');
  const form = '<form method="post" target="_top" action="' + to + '">' + inputs.join("") + "</form>";
  const send = "document.forms[0].submit()";
  if (how === "form") { document.body.innerHTML = form; document.forms[0].submit(); }
  if (how === "frame") {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-forms allow-scripts allow-top-navigation";
    frame.srcdoc = form + "<script>" + send + "<" + "/script>";
    document.body.append(frame);
  }
  if (how === "fetch") {
    fetch(to, { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams(fields) });
  }
</script>`;
const server = createServer((_, answer) => answer.writeHead(200, { "content-type": "text/html" }).end(attack));
await new Promise((listens) => server.listen(0, listens));
after(() => server.close());
const { port } = server.address();
// To a browser the first is of the same site, and brings its cookies along; the others are of other sites.
const origins = [`http://localhost:${port}`, `http://evil.localhost:${port}`, `http://127.0.0.1:${port}`];

const { context, page } = await signedIn(browser, "manager");

/** What the server answered, and whether it was told who asks. */
async function strike(from, what) {
  const { to } = what;
  const struck = await context.newPage();
  const answered = struck.waitForResponse((one) => one.url() === to && one.request().method() === "POST");
  await struck.goto(`${from}/#${encodeURIComponent(JSON.stringify(what))}`);
  const answer = await answered.catch(() => assert.fail(`nothing was sent: ${JSON.stringify(what)} from ${from}`));
  const { cookie = "" } = await answer.request().allHeaders();
  const told = { status: answer.status(), knew: cookie.includes("__Host-sid=") };
  await struck.close();
  return told;
}

async function everywhere(to, fields) {
  for (const from of origins) {
    for (const how of ["form", "frame", "fetch"]) {
      const { status, knew } = await strike(from, { how, to: base + to, fields });
      assert.equal(status, 403, `${how} from ${from} to ${to}`);
      // The strongest of them does arrive with the session's cookie, and is refused all the same.
      if (from === origins[0] && how === "form") assert.ok(knew, "the cookie was sent");
    }
  }
}

test("nobody is signed out by another page", async () => {
  await everywhere("/accounts/logout/", {});
  await page.goto("/accounts/profile/");
  assert.ok(!isOut(page), "still signed in");
});

test("no link is made by another page", async () => {
  await page.goto("/affiliate/links/?edit=new");
  const first = (name) => page.locator(`#new [name=${name}] option[value]:not([value=""])`).first().getAttribute("value");
  const code = `forged-${Date.now()}`;
  const fields = { affiliate: await first("affiliate"), program: await first("program"), code };
  await everywhere("/affiliate/links/", fields);
  await page.goto("/affiliate/links/?q=" + code);
  assert.equal(await page.locator(".list > li").count(), 0);
  // The very same fields are good when the page's own form sends them.
  await page.goto("/affiliate/links/?edit=new");
  await page.selectOption("#new [name=affiliate]", fields.affiliate);
  await page.selectOption("#new [name=program]", fields.program);
  await page.fill("#new [name=code]", "own-" + code);
  await page.click("#new form button");
  await page.waitForSelector(".toast");
  await page.goto("/affiliate/links/?q=own-" + code);
  assert.equal(await page.locator(".list > li").count(), 1);
});

test("no password is changed by another page", async () => {
  await everywhere("/accounts/password/", { current: password, password: "chosen by somebody else" });
  const other = await (await profile(browser)).newPage();
  await signIn(other, "manager");
  assert.ok(!isOut(other), "the password is what it was");
});

test("no other page reads what is here", async () => {
  for (const from of origins) {
    const reader = await context.newPage();
    await reader.goto(from + "/#" + encodeURIComponent(JSON.stringify({ how: "", to: "", fields: {} })));
    const read = (url) => fetch(url, { credentials: "include" }).then((one) => one.text(), (error) => error.name);
    for (const path of ["/dashboard/", "/api/v1/affiliate/links/", "/api/v1/auth/user/"]) {
      assert.equal(await reader.evaluate(read, base + path), "TypeError", `${path} from ${from}`);
    }
    const json = (url) => {
      const headers = { "content-type": "application/json" };
      const sent = fetch(url, { method: "POST", credentials: "include", headers, body: "{}" });
      return sent.then((one) => one.status, (error) => error.name);
    };
    assert.equal(await reader.evaluate(json, base + "/api/v1/affiliate/links/"), "TypeError", `JSON from ${from}`);
    // Nor is it shown in a frame.
    await reader.evaluate((url) => {
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.src = url;
      return new Promise((done) => (frame.onload = done));
    }, base + "/accounts/profile/");
    assert.ok(!(await reader.frames()[1]?.content().catch(() => ""))?.includes("manager"), `framed by ${from}`);
    await reader.close();
  }
  await page.goto("/dashboard/");
  await settled(page);
  assert.ok(!isOut(page));
});
