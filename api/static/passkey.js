// Passkeys: asks the browser for one where the page says so (`data-passkey`), and tells the server its answer.
// Without a script, or without passkeys in this browser, the page shows its other ways.

const fromText = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const toText = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function send(url, body) {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.errors?.[0]?.detail ?? told.title ?? answer.statusText);
  return told;
}

function readable(options) {
  const key = options.publicKey;
  key.challenge = fromText(key.challenge);
  if (key.user) key.user.id = fromText(key.user.id);
  for (const list of ["excludeCredentials", "allowCredentials"]) {
    for (const one of key[list] ?? []) one.id = fromText(one.id);
  }
  return options;
}

function writable(credential) {
  const { response } = credential;
  const texts = {};
  for (const name of ["attestationObject", "authenticatorData", "clientDataJSON", "signature", "userHandle"]) {
    if (response[name]) texts[name] = toText(response[name]);
  }
  const extensions = credential.getClientExtensionResults?.() ?? {};
  return { id: credential.id, rawId: toText(credential.rawId), type: credential.type, response: texts, extensions };
}

function say(form, text) {
  const place = form.querySelector("[data-says]");
  if (place) place.textContent = text;
}

async function make(form) {
  const options = readable(await send(form.dataset.ask));
  const made = await navigator.credentials.create(options);
  const { next } = await send(form.dataset.tell, { name: form.elements.name?.value ?? "", answer: writable(made) });
  location.assign(next);
}

async function get(form, { mediation, signal } = {}) {
  const options = readable(await send(form.dataset.ask));
  const request = { publicKey: options.publicKey, signal };
  if (mediation) request.mediation = mediation;
  const got = await navigator.credentials.get(request);
  const fields = { answer: writable(got), next: form.elements.next?.value ?? "" };
  const { next } = await send(form.dataset.tell, fields);
  location.assign(next);
}

let waiting;
async function wait(form) {
  // The browser offers passkeys in the field for the name, and is asked nothing if it has none.
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  waiting = new AbortController();
  await get(form, { mediation: "conditional", signal: waiting.signal }).catch((error) => {
    if (error.name !== "AbortError") say(form, form.dataset.failed);
  });
}

export function offer() {
  for (const form of document.querySelectorAll("[data-passkey]")) {
    if (form.dataset.ready || !window.PublicKeyCredential) continue;
    form.dataset.ready = "yes";
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      waiting?.abort();
      say(form, "");
      const act = form.dataset.passkey === "make" ? make(form) : get(form);
      act.catch((error) => say(form, error.name === "NotAllowedError" ? form.dataset.failed : error.message));
    });
    if (form.dataset.passkey === "sign-in") wait(form);
  }
}
