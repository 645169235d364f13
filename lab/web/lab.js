// The browser lab: fields, a worker that runs what they say, and what it drew.
// All that is known about networks is in the worker's program.

const texts = {
  en: {
    run: "Run", stop: "Stop", reseed: "Another seed", lang: "中文", knobs: "Knobs", packets: "Packets", plots: "Over time", score: "What the run says", counts: "Counts",
    hint: "Time runs down; slopes are true. Point at a packet to read all of it. Click one to drop it; click a dropped one to let it through.",
    digest: "digest", rerun: "in a terminal", share: "link", page: "as a page", download: "Download", own: "(your own)", add: "add", remove: "let it through",
    running: "running…", loading: "loading…", chance: "This one was lost by chance, not by the script: another seed or less loss lets it through.",
    queue: "This one found the queue full: it never came to the script.",
    done: (r) => `${r.packets} packets in ${clock(r.virtual)} of virtual time, computed in ${clock(r.took)}.`,
  },
  zh: {
    run: "运行", stop: "停止", reseed: "换个种子", lang: "English", knobs: "设置", packets: "数据包", plots: "随时间变化", score: "这次运行说明了什么", counts: "计数",
    hint: "时间向下；斜率真实。指向一个包，可读到它的全部内容。点击一个包，让它丢失；再点丢失的包，放它通过。",
    digest: "摘要", rerun: "在终端中", share: "链接", page: "存为网页", download: "下载", own: "（自定义）", add: "添加", remove: "放它通过",
    running: "运行中…", loading: "载入中…", chance: "这个包是随机丢失的，不是脚本所为：换个种子或降低丢包率。",
    queue: "这个包遇到队列已满，没有到达脚本。",
    done: (r) => `共 ${r.packets} 个包，虚拟时间 ${clock(r.virtual)}，计算用时 ${clock(r.took)}。`,
  },
};

const $ = (id) => document.getElementById(id);
const element = (name, props = {}, ...children) => {
  const e = Object.assign(document.createElement(name), props);
  e.append(...children);
  return e;
};

let lang = new URLSearchParams(location.search).get("lang") || (navigator.language.startsWith("zh") ? "zh" : "en");
const say = (key) => (texts[lang] || texts.en)[key];
let last = null; // the run that is shown

function clock(ms) {
  const [v, unit] = ms >= 1000 ? [ms / 1000, "s"] : ms >= 1 || ms === 0 ? [ms, "ms"] : [ms * 1000, "µs"];
  return `${Number(v.toPrecision(4))} ${unit}`;
}

// --- the worker

let worker, waiting, count = 0;

function startWorker() {
  if (worker) worker.terminate();
  for (const settle of (waiting || new Map()).values()) settle(null);
  waiting = new Map();
  worker = new Worker("worker.js");
  worker.onmessage = ({ data }) => {
    const settle = waiting.get(data.id);
    waiting.delete(data.id);
    if (settle) settle(data.answer);
  };
  worker.onerror = (e) => {
    status(e.message || "worker", true);
    for (const settle of waiting.values()) settle(null);
    waiting.clear();
  };
}

// ask is an answer to a request, or null if it was stopped.
const ask = (request) => new Promise((settle) => {
  waiting.set(++count, settle);
  worker.postMessage({ id: count, request: { lang, ...request } });
});

// --- running

function status(message, bad = false) {
  $("status").textContent = message;
  $("status").classList.toggle("bad", bad);
}

async function run(request) {
  if (waiting.size > 0) startWorker();
  document.body.dataset.state = "running";
  status(last ? say("running") : say("loading"));
  $("run").textContent = say("stop");
  const began = performance.now();
  const answer = await ask(request);
  if (waiting.size > 0) return; // another has taken its place
  $("run").textContent = say("run");
  document.body.dataset.state = "idle";
  for (const f of document.querySelectorAll("#form .bad")) f.classList.remove("bad");
  if (!answer) return status("");
  if (answer.error) {
    const field = document.querySelector(`#form [data-knob="${CSS.escape(answer.what.split(" ")[0])}"]`);
    if (field) {
      field.classList.add("bad");
      $("knobs").open = true;
    }
    document.body.dataset.state = "error";
    return status(answer.error, true);
  }
  answer.took = performance.now() - began;
  show(answer);
}

// The parts of an answer are HTML: the program has escaped what people wrote.
function show(r) {
  if (!last || last.name !== r.name) $("cursor").value = $("cursor").max; // of another run all is shown
  $("panel").hidden = true; // what it tells of is gone
  last = r;
  document.title = `${r.title} – sockeye lab`;
  $("title").textContent = r.title;
  $("text").textContent = r.text;
  $("ladder").innerHTML = r.ladder;
  $("plots").innerHTML = r.plots;
  $("plots-title").hidden = !r.plots;
  $("score").innerHTML = r.score;
  $("counts").innerHTML = r.counts;
  $("digest").textContent = r.digest;
  $("command").textContent = `sockeye lab '${r.share.replaceAll("'", "'\\''")}'`;
  history.replaceState(null, "", `?lang=${lang}#${r.share}`);
  $("link").textContent = $("link").href = location.href;
  $("scenario").value = r.name;
  fields(r.knobs);
  status(say("done")(r));
  $("result").hidden = $("time").hidden = false;
  document.body.dataset.state = "done";
  document.body.dataset.share = r.share;
  curtains();
  move();
}

// --- knobs

function fields(knobs) {
  const value = (k) => k.values[0] || "";
  $("seed").value = value(knobs.find((k) => k.name === "seed"));
  const form = $("form");
  form.replaceChildren();
  for (const k of knobs) {
    if (k.name === "seed") continue;
    let input;
    if (k.many) {
      input = element("textarea", { value: k.values.join("\n"), rows: Math.max(k.values.length, 2), spellcheck: false });
    } else if (k.choices.length) {
      input = element("select", {}, ...k.choices.map((c) => element("option", { value: c, textContent: c })));
      input.value = value(k) || k.default;
    } else {
      input = element("input", { value: value(k), placeholder: k.default, spellcheck: false });
    }
    input.dataset.knob = k.name;
    form.append(element("label", { className: k.many ? "many" : "" }, element("b", { textContent: k.name }), element("small", { textContent: k.help }), input));
  }
  const faults = knobs.find((k) => k.name === "fault").values;
  $("faults").replaceChildren(...faults.map((f) => element("li", {}, element("code", { textContent: f }),
    element("button", { type: "button", textContent: "✕", title: say("remove"), onclick: () => turn((t) => { t.fault = t.fault.filter((g) => g !== f); }) }))));
}

// turned is how the fields stand.
function turned() {
  const knobs = { seed: $("seed").value };
  for (const e of document.querySelectorAll("#form [data-knob]")) {
    knobs[e.dataset.knob] = e.tagName === "TEXTAREA" ? e.value.split("\n").map((l) => l.trim()).filter(Boolean) : e.value;
  }
  return knobs;
}

function turn(change = () => {}) {
  const knobs = turned();
  change(knobs);
  return run({ base: last ? last.name : "", knobs });
}

// toggle drops a packet, or takes away the fault that has dropped it.
function toggle(packet) {
  const { line, nth, fault } = packet.dataset;
  if (fault) return turn((t) => { t.fault = t.fault.filter((f) => f !== fault); });
  if (!nth) return status(say("queue"));
  if (packet.classList.contains("lost")) return status(say("chance"));
  return turn((t) => { t.fault.push(`drop ${line} any ${nth}`); });
}

// --- time: what has not happened yet is behind a curtain

const svgNS = "http://www.w3.org/2000/svg";

function curtains() {
  for (const svg of document.querySelectorAll("#ladder svg, #plots svg")) {
    svg.append(...["rect", "line"].map((name) => {
      const e = document.createElementNS(svgNS, name);
      e.setAttribute("class", name === "rect" ? "curtain" : "now");
      return e;
    }));
  }
}

const set = (e, attributes) => { for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v); };

// move moves the cursor to where the slider is: so far down the ladder.
function move() {
  const ladder = document.querySelector("#ladder svg");
  if (!ladder) return;
  const top = +ladder.dataset.top, bottom = +ladder.dataset.bottom, share = $("cursor").value / $("cursor").max;
  const y = top + (bottom - top) * share, all = share === 1;
  const knots = ladder.dataset.knots.split(" ").map((k) => k.split(":").map(Number)); // [ms, y]
  let t = knots[knots.length - 1][0];
  for (let i = 1; i < knots.length; i++) {
    const [t0, y0] = knots[i - 1], [t1, y1] = knots[i];
    if (y <= y1) {
      t = y1 > y0 ? t0 + (t1 - t0) * Math.max(y - y0, 0) / (y1 - y0) : t0;
      break;
    }
  }
  const box = ladder.viewBox.baseVal;
  const hide = (svg, x, y, width, height, line) => {
    set(svg.querySelector(".curtain"), { x, y, width: all ? 0 : Math.max(width, 0), height: Math.max(height, 0) });
    set(svg.querySelector(".now"), all ? { x1: 0, x2: 0, y1: 0, y2: 0 } : line);
  };
  hide(ladder, 0, y, box.width, bottom + 20 - y, { x1: 0, x2: box.width, y1: y, y2: y });
  for (const svg of document.querySelectorAll("#plots svg")) {
    const d = svg.dataset, left = +d.left, right = +d.right, x = Math.min(left + (right - left) * t / +d.until, right);
    hide(svg, x, +d.top, right - x + 2, d.bottom - d.top, { x1: x, x2: x, y1: d.top, y2: d.bottom });
  }
  $("clock").textContent = clock(t);
  return { y, ladder, box };
}

let playing = 0;

function play() {
  if (playing) {
    cancelAnimationFrame(playing);
    playing = 0;
    $("play").textContent = "▶";
    return;
  }
  const slider = $("cursor"), ladder = document.querySelector("#ladder svg");
  if (slider.value === slider.max) slider.value = 0;
  $("play").textContent = "❚❚";
  const speed = 70 * slider.max / (ladder.dataset.bottom - ladder.dataset.top); // 70 of the ladder's pixels a second
  let before = performance.now(), at = +slider.value;
  const step = (now) => {
    at += speed * (now - before) / 1000;
    before = now;
    slider.value = at;
    const { y, ladder, box } = move();
    const rect = ladder.getBoundingClientRect(), below = rect.top + y * rect.height / box.height - innerHeight * 0.7;
    if (below > 0) scrollBy(0, below);
    playing = requestAnimationFrame(step);
    if (at >= +slider.max) play();
  };
  playing = requestAnimationFrame(step);
}

// --- the page

function label() {
  document.documentElement.lang = lang === "zh" ? "zh-CN" : "en";
  for (const id of ["run", "reseed", "lang", "download"]) $(id).textContent = say(id);
  $("knobs").firstElementChild.textContent = say("knobs");
  for (const e of document.querySelectorAll("[data-text]")) e.textContent = say(e.dataset.text);
}

async function list() {
  const { scenarios = [] } = (await ask({ scenarios: true })) || {};
  $("scenario").replaceChildren(...scenarios.map((s) => element("option", { value: s.name, textContent: s.title || s.name, title: s.text })),
    element("option", { value: "", textContent: say("own"), hidden: true }));
  return scenarios;
}

const fromHash = () => location.hash.slice(1); // as it is: a share string is encoded itself

$("scenario").onchange = () => run({ share: $("scenario").value });
$("run").onclick = () => {
  if (waiting.size > 0) return startWorker();
  turn();
};
$("reseed").onclick = () => turn((t) => { t.seed = String(1 + Math.floor(Math.random() * 9999)); });
$("seed").onchange = () => turn();
$("form").onchange = () => turn();
$("form").onsubmit = (e) => { e.preventDefault(); turn(); };
$("cursor").oninput = move;
$("play").onclick = play;
$("lang").onclick = async () => {
  lang = lang === "zh" ? "en" : "zh";
  label();
  await list();
  if (last) run({ share: last.share });
};
$("download").onclick = async () => {
  const answer = await ask({ share: last.share, page: true });
  if (!answer || !answer.html) return;
  const url = URL.createObjectURL(new Blob([answer.html], { type: "text/html" }));
  element("a", { href: url, download: `sockeye-lab-${last.name || "run"}.html` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
};
// A finger cannot point: its first tap on a packet shows it, the second drops it.
let tapped = null;
$("ladder").addEventListener("click", (e) => {
  const of = e.target.closest("[data-of]");
  const packet = of ? $("ladder").querySelector(`.p[data-id="${of.dataset.of}"]`) : e.target.closest(".p[data-id]");
  if (!packet || e.pointerType === "touch" && tapped !== packet) {
    tapped = packet;
    return;
  }
  toggle(packet);
});
addEventListener("hashchange", () => { if (!last || fromHash() !== last.share) run({ share: fromHash() }); });

startWorker();
label();
status(say("loading"));
const scenarios = await list();
run({ share: fromHash() || (scenarios[0] ? scenarios[0].name : "?flow=tcp+A>B+bytes+12000&link=delay+30ms+rate+2mbit") });
