// Keeps the page of a submission up to date: at each of its events the server's own rendering is fetched, and the parts
// that differ are put in the place of the old ones. What did not change stays, with its focus and what is unfolded in it.
const live = document.getElementById("live");

// Parts have an id. Where the same parts stand in the same order each is looked at alone; else all that is in it is
// replaced. The element itself stays: a status that is put in anew would not be read out.
const patch = (old, fresh) => {
  if (old.isEqualNode(fresh)) return;
  const [from, to] = [[...old.children], [...fresh.children]];
  const same = from.length > 0 && from.length === to.length && from.every((part, at) => part.id && part.id === to[at].id);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (same) {
    from.forEach((part, at) => patch(part, to[at]));
    return;
  }
  const address = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
  const unfolded = [...old.querySelectorAll("details")].map((part) => part.open);
  old.replaceChildren(...document.importNode(fresh, true).childNodes);
  [...old.querySelectorAll("details")].forEach((part, at) => (part.open ||= unfolded[at] ?? false));
  if (address) [...old.querySelectorAll("a")].find((link) => link.getAttribute("href") === address)?.focus();
};

if (live && "EventSource" in window) {
  let busy = false;
  let again = false;
  const refresh = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch(location.href, { credentials: "same-origin" });
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("live");
        if (fresh) patch(live, fresh);
      }
    } catch {
      // The server is away for a moment; the next event comes when it is back.
    } finally {
      busy = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  };
  const events = new EventSource(live.dataset.events);
  events.addEventListener("submission", (event) => {
    refresh();
    if (["Succeeded", "Canceled", "Failed"].includes(JSON.parse(event.data).state)) events.close();
  });
  // What depends on the time alone, such as a step that has become overdue, has no event.
  setInterval(() => {
    if (events.readyState !== EventSource.CLOSED && !document.hidden) refresh();
  }, 30_000);
}
