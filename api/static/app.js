// What every page needs beside htmx: menus that close, the chart and the live line where they stand.
import "./copy.js";
import "./keys.js";

const root = new URL(".", import.meta.url).href;

// A menu closes when one clicks elsewhere, presses Escape, or opens another.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target) || event.target.closest(".menu-list a")) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// The result of one's own act is said once: a reload of the address does not say it again.
function forgetDone() {
  const url = new URL(location.href);
  if (!url.searchParams.has("done")) return;
  url.searchParams.delete("done");
  url.searchParams.delete("of");
  history.replaceState(history.state, "", url);
}

// A page that says a store is away comes back by itself.
let coming = 0;
function comeBack() {
  clearTimeout(coming);
  if (document.querySelector("[data-retry]")) coming = setTimeout(() => location.reload(), 5000);
}

// Charts and live pages bring their own modules, loaded only where they are shown.
async function arrive() {
  comeBack();
  forgetDone();
  // On a phone the navigation is a bar that scrolls: the page one is on stays in sight.
  const bar = document.querySelector(".side");
  const here = bar?.querySelector("[aria-current]");
  if (here) bar.scrollLeft = here.offsetLeft - (bar.clientWidth - here.offsetWidth) / 2;
  if (document.querySelector("[data-chart]")) (await import(root + "chart.js")).draw();
  if (document.querySelector("[data-passkey]")) (await import(root + "passkey.js")).offer();
  (await import(root + "live.js")).follow();
}
document.addEventListener("htmx:after:swap", arrive);
arrive();
