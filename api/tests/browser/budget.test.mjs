// What a first visit costs, and that nothing moves once it is there. Bytes are counted, time is not.
import { test } from "node:test";
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { browse, overhear, profile, settled, signedIn } from "./helper.mjs";

const browser = await browse();
const BUDGET = 60_000;
const COUNTED = new Set(["Document", "Stylesheet", "Script"]);

const signed = await signedIn(browser, "finance");
const storageState = await signed.context.storageState();
await signed.page.close();

/** Opens a page with nothing kept from before; gives what came, by file, and what moved. */
async function firstLoad(path, options) {
  const context = await profile(browser, options);
  const page = await context.newPage();
  const heard = overhear(page);
  const chromium = await context.newCDPSession(page);
  await chromium.send("Network.enable");
  const files = new Map();
  chromium.on("Network.responseReceived", ({ requestId, type, response: { url, headers, encodedDataLength } }) => {
    const coding = headers["content-encoding"] ?? "none";
    if (COUNTED.has(type)) files.set(requestId, { url, type, coding, head: encodedDataLength, bytes: 0 });
  });
  chromium.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    const file = files.get(requestId);
    if (file) file.bytes = encodedDataLength - file.head;
  });
  const answer = await page.goto(path);
  await settled(page);
  const packed = gzipSync(await answer.body()).length;
  await context.close();
  return { files: [...files.values()], packed, foreign: heard.foreign };
}

/** Opens a page whose scripts come after it was seen; gives what moved under a reader's eyes. */
async function moves(path, options) {
  const context = await profile(browser, options);
  const page = await context.newPage();
  let release;
  const seen = new Promise((done) => (release = done));
  await page.route("**/*.js", (route) => seen.then(() => route.continue()));
  await page.goto(path, { waitUntil: "commit" });
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length);
  release();
  await settled(page);
  const moved = await page.evaluate(() => window.moved());
  await context.close();
  return moved;
}

const pages = [["/accounts/login/", {}], ["/dashboard/", { storageState }], ["/affiliate/stats/", { storageState }]];

for (const [path, state] of pages) {
  test(`the first load of ${path} is at most ${BUDGET / 1000} kB, and all of it from here`, async (t) => {
    const { files, packed, foreign } = await firstLoad(path, state);
    const kinds = new Set(files.map(({ type }) => type));
    assert.deepEqual([...kinds].sort(), [...COUNTED].sort(), "what is counted did come");
    for (const { url, type, coding } of files) if (type !== "Document") assert.equal(coding, "gzip", url);
    // A page that comes as it is counts as what a proxy makes of it.
    const size = ({ type, coding, bytes }) => (type === "Document" && coding === "none" ? packed : bytes);
    const bytes = files.reduce((sum, file) => sum + size(file), 0);
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes <= BUDGET, `${bytes} bytes: ${JSON.stringify(files)}`);
    assert.deepEqual(foreign, []);
  });

  for (const width of [360, 1280]) {
    test(`nothing of ${path} moves once it is there, ${width} px wide`, async () => {
      const moved = await moves(path, { ...state, viewport: { width, height: 800 } });
      // While a slow machine still reads a page, a word may grow; that is less than a thousandth of what is seen.
      const sum = moved.reduce((all, { value }) => all + value, 0);
      assert.ok(sum < 0.001, JSON.stringify(moved));
    });
  }
}

test("pages come compressed", async () => {
  const { files } = await firstLoad("/dashboard/", { storageState });
  assert.notEqual(files.find(({ type }) => type === "Document").coding, "none");
});
