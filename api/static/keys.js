// Keys: `/` or Ctrl-K searches, `g` and a letter goes to a page.
const places = {
  d: "/dashboard/", s: "/affiliate/stats/", l: "/affiliate/links/", c: "/affiliate/conversions/",
  m: "/affiliate/commissions/", p: "/affiliate/programs/", a: "/affiliate/affiliates/",
};
let going = 0;

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search");
  if (!search) return;
  if (event.key === "k" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    search.select();
    return;
  }
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") {
    event.preventDefault();
    search.select();
  } else if (event.key === "g") {
    going = event.timeStamp;
  } else if (event.timeStamp - going < 1500 && places[event.key]) {
    going = 0;
    document.querySelector(`nav a[href="${places[event.key]}"]`)?.click();
  }
});
