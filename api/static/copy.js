// Copies what a button names, and says so in its place.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const label = button.querySelector("span") ?? button;
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    // No clipboard (plain HTTP on a network address): select the text instead.
    const code = button.parentElement.querySelector("code");
    if (code) getSelection().selectAllChildren(code);
    return;
  }
  label.textContent = button.dataset.done;
  const said = document.getElementById("said");
  if (said) said.textContent = button.dataset.done;
  setTimeout(() => {
    label.textContent = before;
    if (said) said.textContent = "";
  }, 1600);
});
