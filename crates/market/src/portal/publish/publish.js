// What makes the form quicker: counts, rows that are added, saving while typing, cutting pictures. All of it is a form that
// works without.
const control = (id) => document.getElementById(id);
const pause = 900;

const count = (field) => {
  const shown = field.parentElement.querySelector(".count");
  if (!shown || !field.dataset.max) return;
  const length = [...field.value].length;
  shown.textContent = length + " / " + field.dataset.max;
  shown.classList.toggle("bad", length > Number(field.dataset.max));
};
document.addEventListener("input", (event) => count(event.target));
document.querySelectorAll("[data-max]").forEach(count);

// Another row: the last one once more, empty, with the next number.
const numberOf = (row) => Number(/\/(\d+)\/[^/]*$/.exec(row.querySelector("[name]:not(button)").name)[1]);
const extend = (rows) => {
  const button = rows.querySelector(":scope > .add");
  if (!button) return;
  const list = () => rows.querySelector(":scope > ol");
  const isFull = () => !list().lastElementChild || list().children.length >= Number(rows.dataset.most);
  button.hidden = isFull();
  button.addEventListener("click", () => {
    const last = list().lastElementChild;
    const row = last.cloneNode(true);
    const base = rows.dataset.rows + "/";
    const number = numberOf(last);
    for (const part of row.querySelectorAll("[id], [name], [for], [aria-describedby]")) {
      for (const attribute of ["id", "name", "for", "aria-describedby"]) {
        const value = part.getAttribute(attribute);
        if (value) part.setAttribute(attribute, value.replaceAll(base + number + "/", base + (number + 1) + "/"));
      }
    }
    row.querySelectorAll("button, .findings > *, .frame, .conflict").forEach((part) => part.remove());
    for (const field of row.querySelectorAll("input, textarea, select")) {
      if (field.tagName === "SELECT") field.selectedIndex = 0;
      else field.value = "";
      field.removeAttribute("aria-invalid");
      count(field);
    }
    list().append(row);
    button.hidden = isFull();
    row.querySelector("input, textarea, select").focus();
  });
};
document.querySelectorAll(".rows").forEach(extend);

// Saving while typing: the form is sent as its button would send it, and the answer's findings are put in the place of these.
const form = document.querySelector("form[data-autosave]");
if (form) {
  const status = form.querySelector(".saving");
  const words = form.dataset;
  const said = {};
  let timer = 0;
  let busy = false;
  let again = false;
  let blocked = false;

  const say = (text, bad) => {
    status.textContent = text;
    status.classList.toggle("bad", Boolean(bad));
  };
  const fields = () => [...form.elements].filter((field) => field.name && field.type !== "file" && field.type !== "submit");
  const isTick = (field) => field.type === "radio" || field.type === "checkbox";
  const keyOf = (field) => field.name + "=" + (isTick(field) ? field.value : "");
  const valueOf = (field) => (isTick(field) ? field.checked : field.value);
  const remember = () => fields().forEach((field) => (said[keyOf(field)] = valueOf(field)));
  // Whether nothing was typed since it was sent.
  const isSaid = (field) => field.type !== "file" && valueOf(field) === (said[keyOf(field)] ?? "");

  const take = (page) => {
    // Rows that came or went, where nobody is writing.
    for (const fresh of page.querySelectorAll(".rows")) {
      const own = control(fresh.id)?.querySelector(":scope > ol");
      const other = fresh.querySelector(":scope > ol");
      if (own && own.children.length !== other.children.length && !own.contains(document.activeElement)
        && [...own.querySelectorAll("[name]:not(button)")].every(isSaid)) {
        const rows = document.importNode(other, true);
        own.replaceWith(rows);
        rows.querySelectorAll("[name]:not(button)").forEach((field) => (said[keyOf(field)] = valueOf(field)));
      }
    }
    for (const fresh of page.querySelectorAll(".findings[id]")) {
      const own = control(fresh.id);
      if (own && own.innerHTML !== fresh.innerHTML) own.replaceChildren(...document.importNode(fresh, true).childNodes);
    }
    for (const fresh of page.querySelectorAll("form[data-autosave] [id][name]")) {
      const own = control(fresh.id);
      if (!own) continue;
      if (fresh.getAttribute("aria-invalid")) own.setAttribute("aria-invalid", "true");
      else own.removeAttribute("aria-invalid");
      // What somebody else changed, where nobody is writing and nothing was written since it was sent.
      if (own === document.activeElement || isTick(own) || !isSaid(own) || fresh.value === own.value) continue;
      own.value = fresh.value;
      said[keyOf(own)] = own.value;
      count(own);
    }
    for (const id of ["tabs", "asked"]) {
      const fresh = page.getElementById(id);
      if (fresh && control(id)) control(id).replaceWith(document.importNode(fresh, true));
    }
    const base = page.querySelector("form[data-autosave] [name=_base]");
    if (base) form.elements._base.value = base.value;
  };

  const save = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    again = false;
    say(words.saving);
    remember();
    const data = new FormData(form);
    const files = [...data].filter(([, value]) => value instanceof File);
    // Pictures are sent by the button, or when one was cut.
    files.forEach(([name]) => data.delete(name));
    const body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
    try {
      const answer = await fetch(form.action, { method: "POST", body, credentials: "same-origin" });
      if (answer.ok) {
        take(new DOMParser().parseFromString(await answer.text(), "text/html"));
        say(words.saved);
      } else if (answer.status === 412) {
        // The page that the button leads to has both versions in it.
        blocked = true;
        say(words.conflict, true);
        const show = document.createElement("button");
        show.textContent = words.show;
        status.after(show);
      } else if (answer.status === 401) {
        say(words.kept, true);
        const link = document.createElement("a");
        link.href = "/sign-in";
        link.target = "_blank";
        link.textContent = words.signIn;
        status.append(" ", link);
      } else {
        say(words.failed, true);
      }
    } catch {
      say(words.failed, true);
      timer = setTimeout(save, 10 * pause);
    }
    busy = false;
    if (again && !blocked) save();
  };
  const later = (event) => {
    if (blocked || event.target.type === "file") return;
    clearTimeout(timer);
    timer = setTimeout(save, pause);
  };
  remember();
  form.addEventListener("input", later);
  form.addEventListener("change", later);
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    blocked = true;
  });
  // What was typed in the last second before a page is left.
  addEventListener("pagehide", () => {
    if (!timer || blocked || form.enctype === "multipart/form-data") return;
    navigator.sendBeacon(form.action, new URLSearchParams(new FormData(form)));
  });
}

// An ID is looked up while it is typed.
const fresh = document.querySelector("form[data-check]");
if (fresh) {
  let timer = 0;
  const look = async () => {
    const query = new URLSearchParams({ publisher: fresh.elements.publisher.value, offer: fresh.elements.offer.value });
    const answer = await fetch(fresh.dataset.check + "?" + query, { credentials: "same-origin" });
    if (!answer.ok) return;
    const { problem } = await answer.json();
    const place = control("new-offer-findings");
    const told = document.createElement("p");
    told.className = "finding bad";
    told.textContent = problem;
    place.replaceChildren(...(problem ? [told] : []));
    fresh.elements.offer[problem ? "setAttribute" : "removeAttribute"]("aria-invalid", "true");
  };
  fresh.elements.offer.addEventListener("input", () => {
    clearTimeout(timer);
    if (fresh.elements.offer.value) timer = setTimeout(look, 300);
  });
}

// One click publishes once.
for (const once of document.querySelectorAll("form[data-once]")) {
  once.addEventListener("submit", (event) => {
    if (once.dataset.sent) event.preventDefault();
    once.dataset.sent = "yes";
  });
}

// A picture of another size is cut to the one that is needed, before it is sent.
const cut = async (input) => {
  const file = input.files[0];
  // A larger one is refused by the server anyway, with the reason.
  if (!file || file.size > 40e6) return;
  const [width, height] = [Number(input.dataset.width), Number(input.dataset.height)];
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    return;
  }
  if (picture.width === width && picture.height === height && file.type === "image/png") return;
  const words = input.form.dataset;
  const dialog = document.createElement("dialog");
  dialog.className = "crop";
  const title = document.createElement("h2");
  title.textContent = words.crop + " (" + width + "×" + height + ")";
  title.id = "crop-title";
  dialog.setAttribute("aria-labelledby", "crop-title");
  const hint = document.createElement("p");
  hint.textContent = words.cropHint;
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", words.cropHint);
  const label = document.createElement("label");
  label.textContent = words.cropZoom;
  label.htmlFor = "crop-zoom";
  const zoom = document.createElement("input");
  Object.assign(zoom, { id: "crop-zoom", type: "range", min: 1, max: 4, step: 0.01, value: 1 });
  const button = (text, kind) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.className = kind;
    return made;
  };
  const [use, leave] = [button(words.cropUse, "primary"), button(words.cropCancel, "")];
  dialog.append(title, hint, canvas, label, zoom, use, " ", leave);
  document.body.append(dialog);

  const least = Math.max(width / picture.width, height / picture.height);
  let scale = least;
  let x = (width - picture.width * scale) / 2;
  let y = (height - picture.height * scale) / 2;
  const draw = () => {
    // The picture always covers the whole.
    x = Math.min(0, Math.max(width - picture.width * scale, x));
    y = Math.min(0, Math.max(height - picture.height * scale, y));
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, width, height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, x, y, picture.width * scale, picture.height * scale);
  };
  zoom.addEventListener("input", () => {
    const next = least * Number(zoom.value);
    x = width / 2 - ((width / 2 - x) * next) / scale;
    y = height / 2 - ((height / 2 - y) * next) / scale;
    scale = next;
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!event.buttons) return;
    const ratio = width / canvas.clientWidth;
    x += event.movementX * ratio;
    y += event.movementY * ratio;
    draw();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, -4], ArrowDown: [0, 4] }[event.key];
    if (!step) return;
    event.preventDefault();
    x += step[0];
    y += step[1];
    draw();
  });
  use.addEventListener("click", () => {
    canvas.toBlob((blob) => {
      const chosen = new DataTransfer();
      chosen.items.add(new File([blob], file.name.replace(/\.[^.]*$/, "") + ".png", { type: "image/png" }));
      input.files = chosen.files;
      dialog.close("use");
      input.form.requestSubmit();
    }, "image/png");
  });
  leave.addEventListener("click", () => dialog.close("leave"));
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "use") input.value = "";
    dialog.remove();
    input.focus();
  });
  draw();
  dialog.showModal();
};
document.addEventListener("change", (event) => {
  if (event.target.matches("input[type=file][data-width]")) cut(event.target);
});
