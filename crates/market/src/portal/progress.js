// Replaces the part of the page that changes with the server's own rendering, at each event of the submission.
const live = document.getElementById("live");
if (live && "EventSource" in window) {
  const events = new EventSource(live.dataset.events);
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
        if (fresh) live.replaceChildren(...fresh.childNodes);
      }
    } finally {
      busy = false;
      if (again) {
        again = false;
        refresh();
      }
    }
  };
  events.addEventListener("submission", (event) => {
    refresh();
    if (["Succeeded", "Canceled", "Failed"].includes(JSON.parse(event.data).state)) events.close();
  });
}
