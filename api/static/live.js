// Follows what is counted: when the server says that there is more, the page is asked for again and
// what changed is changed in place. Rests while nobody looks. While a store is away, or the server,
// what stands there stays, dimmed and said to be late, and is asked for again until it comes.
let source = null;
let followed = "";
let asking = false;
let waiting = 0;
let last = -Infinity;
let refused = false;

// A page asks for itself at most this often, however fast the numbers move.
const pause = 2000;
// How soon what could not be had is asked for again.
const again = 4000;

export function follow() {
  const place = document.querySelector("[data-live]");
  const url = place && !document.hidden ? place.dataset.live : "";
  if (url === followed && source?.readyState !== EventSource.CLOSED) return;
  source?.close();
  source = null;
  followed = url;
  if (!url) return away(false);
  source = new EventSource(url);
  source.addEventListener("counted", renew);
  source.addEventListener("delayed", late);
  source.addEventListener("error", late);
}

// What stands on the page is of before.
function late() {
  away(true);
  later(again);
}

function away(is) {
  const root = document.documentElement;
  if (root.classList.contains("away") === is) return;
  root.classList.toggle("away", is);
  const said = document.getElementById("said");
  if (said) said.textContent = is ? (document.getElementById("asof")?.dataset.away ?? "") : "";
}

function later(wait) {
  clearTimeout(waiting);
  waiting = setTimeout(renew, wait);
}

async function renew() {
  const place = document.querySelector("[data-live]");
  if (!place || !window.htmx || document.hidden) return;
  const early = last + pause - performance.now();
  if (asking || early > 0 || busy(place)) return later(Math.max(early, 500));
  clearTimeout(waiting);
  asking = true;
  refused = true;
  const before = numbers();
  document.documentElement.classList.add("renewing");
  try {
    await htmx.ajax("GET", location.pathname + location.search, {
      source: "#live", target: "#live", select: "#live", swap: "outerMorph show:none", push: "false",
    });
  } catch {
    refused = true;
  }
  document.documentElement.classList.remove("renewing");
  asking = false;
  last = performance.now();
  if (refused) return late();
  away(false);
  show(before);
  follow();
}

// A menu that is open, a text being selected or typed is not pulled away under a person's hand.
function busy(place) {
  if (document.querySelector(".menu[open], .data :focus-visible")) return true;
  if (getSelection().type === "Range") return true;
  return [...place.querySelectorAll("input, select")].some((one) => (one.tagName === "SELECT"
    ? [...one.options].some((option) => option.selected !== option.defaultSelected) && one.selectedIndex > 0
    : one.type !== "hidden" && one.value !== one.defaultValue));
}

// Only a page takes the place of this one: an error's answer, or the way to sign in, does not.
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (!asking || ctx.sourceElement?.id !== "live") return;
  refused = ctx.response.status >= 400 || !/\sid="live"/.test(ctx.text);
  if (refused) event.preventDefault();
});

const numbers = () => new Map([...document.querySelectorAll(".card-value")].map((one, n) => [n, one.textContent]));

function show(before) {
  document.querySelectorAll(".card-value").forEach((one, n) => {
    if (before.get(n) === one.textContent) return;
    one.classList.remove("moved");
    requestAnimationFrame(() => one.classList.add("moved"));
  });
}

document.addEventListener("visibilitychange", () => {
  follow();
  if (!document.hidden && document.querySelector("[data-live]")) renew();
});
