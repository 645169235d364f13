// What a run's page does when pointed at: the packet and what it answers stand
// out, and a panel tells all about it. Without this file a browser shows the
// same text as the packet's title.
(() => {
  const ladderOf = (target) => target.closest && target.closest(".ladder");

  function packetAt(target) {
    const ladder = target.closest && ladderOf(target);
    if (!ladder) return null;
    const label = target.closest("[data-of]");
    return label ? ladder.querySelector(`.p[data-id="${label.dataset.of}"]`) : target.closest(".p[data-id]");
  }

  let shown = null;

  function clear() {
    for (const e of document.querySelectorAll(".ladder .on, .ladder .cause")) e.classList.remove("on", "cause");
    shown = null;
  }

  function show(packet) {
    if (packet === shown) return;
    clear();
    shown = packet;
    const title = packet.querySelector("title");
    if (title) { // or the browser would show it a second time
      packet.dataset.detail = title.textContent;
      packet.setAttribute("aria-label", title.textContent.split("\n")[0]);
      title.remove();
    }
    const ladder = packet.closest(".ladder");
    packet.classList.add("on");
    for (const t of ladder.querySelectorAll(`[data-of="${packet.dataset.id}"]`)) t.classList.add("on");
    const cause = packet.dataset.cause && ladder.querySelector(`.p[data-id="${packet.dataset.cause}"]`);
    if (cause) cause.classList.add("cause");
    const panel = document.getElementById("panel");
    if (!panel) return;
    const lines = packet.dataset.detail.split("\n");
    const first = document.createElement("b");
    first.textContent = lines.shift();
    panel.replaceChildren(first, "\n" + lines.join("\n"));
    panel.hidden = false;
  }

  document.addEventListener("pointerover", (e) => {
    const packet = packetAt(e.target);
    if (!packet) return;
    const panel = document.getElementById("panel");
    if (panel) panel.classList.toggle("left", e.clientX > innerWidth / 2); // out of the way
    show(packet);
  });
  document.addEventListener("click", (e) => {
    const packet = packetAt(e.target);
    if (packet) show(packet);
    else if (!e.target.closest("#panel")) {
      clear();
      const panel = document.getElementById("panel");
      if (panel) panel.hidden = true;
    }
  });
})();
