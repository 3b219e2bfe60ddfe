// Follows what is counted: when the server says that there is more, the page is asked for again and
// what changed is changed in place. Rests while nobody looks.
let source = null;
let followed = "";
let asking = false;
let waiting = 0;
let last = -Infinity;

// A page asks for itself at most this often, however fast the numbers move.
const pause = 2000;

export function follow() {
  const place = document.querySelector("[data-live]");
  const url = place && !document.hidden ? place.dataset.live : "";
  if (url === followed && source?.readyState !== EventSource.CLOSED) return;
  source?.close();
  source = null;
  followed = url;
  if (!url) return;
  source = new EventSource(url);
  source.addEventListener("counted", renew);
}

async function renew() {
  const place = document.querySelector("[data-live]");
  // A menu that is open or a text being selected is not pulled away under a person's hand.
  const busy = document.querySelector(".menu[open], .data :focus-visible") || getSelection().type === "Range";
  if (!place || !window.htmx) return;
  const early = last + pause - performance.now();
  if (asking || busy || early > 0) {
    clearTimeout(waiting);
    waiting = setTimeout(renew, Math.max(early, 500));
    return;
  }
  asking = true;
  const before = numbers();
  document.documentElement.classList.add("renewing");
  try {
    await htmx.ajax("GET", location.pathname + location.search, {
      target: "#live", select: "#live", swap: "outerMorph show:none", push: "false",
    });
    show(before);
  } finally {
    document.documentElement.classList.remove("renewing");
    asking = false;
    last = performance.now();
  }
}

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
