// Files chosen or dropped on a sheet: each is sent by itself, with its progress and a way to stop it (UX 2.3).
// Without this module the form sends them all at once.

const list = document.getElementById("uploads");
const words = list.dataset;
const MEGABYTE = 1048576;
const form = document.querySelector("[data-upload]");
let waiting = [];
let under_way = false;
let shown = "";
let failed = false;

const filled = (text, values) => text.replace(/\{(\w+)\}/g, (_whole, name) => values[name]);
const megabytes = (size) => (Math.ceil((size * 10) / MEGABYTE) / 10).toLocaleString(document.documentElement.lang);

function line(file) {
  const item = document.createElement("li"), name = document.createElement("span"), bar = document.createElement("progress");
  const stop = document.createElement("button");
  name.textContent = file.name;
  bar.max = 1;
  bar.value = 0;
  bar.ariaLabel = file.name;
  stop.type = "button";
  stop.className = "btn btn-sm";
  stop.textContent = filled(words.cancel, { name: file.name });
  item.append(name, bar, stop);
  list.append(item);
  return { file, item, bar, stop };
}

function fail(entry, text) {
  const said = document.createElement("p");
  said.className = "error";
  said.role = "alert";
  said.textContent = text;
  entry.item.replaceChildren(said);
  failed = true;
}

function take(files) {
  for (const file of files) {
    const entry = line(file);
    if (file.size > Number(words.maximum)) {
      fail(entry, filled(words.large, { name: file.name, size: megabytes(file.size), limit: megabytes(words.maximum) }));
      continue;
    }
    entry.stop.addEventListener("click", () => {
      if (entry.request) entry.request.abort();
      else waiting = waiting.filter((other) => other !== entry);
      fail(entry, filled(words.cancelled, { name: file.name }));
    });
    waiting.push(entry);
  }
  if (!under_way) next();
}

function next() {
  const entry = waiting.shift();
  under_way = Boolean(entry);
  if (entry) send(entry);
  else finish();
}

function send(entry) {
  const request = entry.request = new XMLHttpRequest(), data = new FormData();
  data.append("files", entry.file);
  request.open("POST", words.url);
  request.setRequestHeader("X-CSRFToken", words.token);
  request.setRequestHeader("HX-Request", "true");
  request.upload.addEventListener("progress", ({ loaded, total }) => { entry.bar.value = total ? loaded / total : 0; });
  request.addEventListener("load", () => {
    if (request.status < 400) {
      shown = request.responseURL;
      entry.item.remove();
    } else {
      const told = new DOMParser().parseFromString(request.responseText, "text/html").querySelector(".alert");
      fail(entry, told?.textContent.trim() || document.getElementById("assertive").dataset.lost);
    }
  });
  request.addEventListener("error", () => fail(entry, document.getElementById("assertive").dataset.lost));
  request.addEventListener("loadend", next);
  request.send(data);
}

function finish() {
  if (shown && !failed) {
    location.assign(shown);
  } else if (shown) {
    const link = document.createElement("a");
    link.href = words.shown;
    link.textContent = words.open;
    const item = document.createElement("li");
    item.append(link);
    list.append(item);
  }
}

// With script the button opens the system's window, and what is chosen there is sent: two presses less.
form?.addEventListener("click", (event) => {
  if (!event.target.closest("[type=submit]")) return;
  event.preventDefault();
  form.elements.files.click();
});
form?.addEventListener("change", ({ target }) => {
  take([...target.files]);
  target.value = "";
});

const carries = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", ({ relatedTarget }) => { if (!relatedTarget) document.body.classList.remove("dropping"); });
addEventListener("drop", (event) => {
  if (!carries(event)) return;
  event.preventDefault();
  document.body.classList.remove("dropping");
  take(event.dataTransfer.files);
});
