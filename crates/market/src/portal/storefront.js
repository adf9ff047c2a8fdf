// What makes the storefront quicker for those with scripts. Everything works without: search is a form, filters are links,
// screenshots open by themselves.
const words = document.currentScript.dataset;

// Results follow the typing: the same page that the form would open is fetched, and its results put in the place of these.
const field = document.getElementById("q");
if (field && document.getElementById("results")) {
  let timer = 0;
  let running = null;
  let shown = field.value.trim();
  let here = location.pathname + location.search;
  const show = async () => {
    const typed = field.value.trim();
    if (typed === shown) return;
    shown = typed;
    const parameters = new URLSearchParams(location.pathname === "/search" ? location.search : "");
    parameters.delete("page");
    parameters.delete("q");
    if (typed) parameters.set("q", typed);
    const address = "/search" + (parameters.size ? "?" + parameters : "");
    running?.abort();
    running = new AbortController();
    try {
      const answer = await fetch(address, { credentials: "same-origin", signal: running.signal });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("results");
      if (!fresh) return;
      document.getElementById("results").replaceWith(document.importNode(fresh, true));
      document.title = page.title;
      // The first one makes an entry to come back from; those that follow it replace each other.
      if (location.pathname === "/search") history.replaceState(null, "", address);
      else history.pushState(null, "", address);
      here = location.pathname + location.search;
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 120);
  });
  // A link within the page, such as the one past the header, comes here too.
  addEventListener("popstate", () => {
    if (location.pathname + location.search !== here) location.reload();
  });
}

// On a phone the filters begin closed.
const filters = document.querySelector("details.filters");
if (filters && matchMedia("(max-width: 48rem)").matches) filters.open = false;

// A button to copy each command.
for (const command of document.querySelectorAll("pre.copy")) {
  if (!navigator.clipboard) break;
  const text = command.textContent;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy-button";
  button.textContent = words.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = words.copied;
    setTimeout(() => (button.textContent = words.copy), 2000);
  });
  command.append(button);
}

// Screenshots are turned over by arrow keys and buttons; one is open at a time, and at the end the focus is on the picture that
// was seen last.
const shown = () => document.querySelector(".lightbox:popover-open");
const turn = (next) => {
  if (!next) return;
  shown()?.hidePopover();
  next.showPopover();
};
document.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step && shown()) turn(document.getElementById("shot-" + (Number(shown().id.slice(5)) + step)));
});
for (const button of document.querySelectorAll(".lightbox .turn")) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    turn(document.getElementById(button.getAttribute("popovertarget")));
  });
}
for (const box of document.querySelectorAll(".lightbox")) {
  box.addEventListener("toggle", (event) => {
    const isElsewhere = document.activeElement !== document.body && !document.activeElement.closest(".shots");
    if (event.newState === "open" || shown() || isElsewhere) return;
    document.querySelector(".shot[popovertarget=" + box.id + "]").focus();
  });
}
