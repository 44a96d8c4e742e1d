// Asks the server each second while somebody looks, says so when it does not answer, and asks for the token.
const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const KEY = "vgate-admin-token";
const UNKNOWN = "The server does not know this token.";

const charts = [];
const boxes = [...document.querySelectorAll(".chart")];
const paths = boxes.flatMap((box) => box.dataset.lines.split(/ (?=[\w.]+:)/).map((part) => part.split(":")[0]));
const past = new History(paths.filter((path) => path !== "each_second"));
boxes.forEach((box) => charts.push(new Chart(box, past)));

let timer;
let asking = null; // what is under way ends the asking when it is no longer this one
let heard = null;
let version = null;

// Said aloud by screen readers, so only when it changes.
const state = (text, kind) => {
  put($("state"), text);
  $("state").className = kind;
  document.title = kind === "bad" ? "(!) V-Gate: live" : "V-Gate: live";
};

const ask = async (signal) => {
  const headers = { authorization: `Bearer ${sessionStorage.getItem(KEY)}` };
  const answer = await fetch("/dashboard/data", { headers, cache: "no-store", signal });
  return { status: answer.status, data: answer.ok ? await answer.json() : null };
};

const door = (words) => {
  stop();
  sessionStorage.removeItem(KEY);
  $("live").hidden = true;
  $("door").hidden = false;
  state(words, words ? "bad" : "");
  $("token").value = "";
  $("token").focus();
};

const lost = (words) => {
  $("live").classList.add("stale");
  const known = heard ? [`The numbers are of ${heard}.`] : [];
  state([words, ...known, "Asking again each second."].join(" "), "bad");
};

const take = (data) => {
  version ??= data.server.version;
  if (version !== data.server.version) return location.reload(); // this page is of another server
  heard = new Date().toLocaleTimeString("en-GB");
  past.add(data);
  $("door").hidden = true;
  $("live").hidden = false;
  $("live").classList.remove("stale");
  show(data);
  charts.forEach((chart) => chart.draw());
  document.body.dataset.t = data.t;
  state("live, each second", "soft");
};

const hear = ({ status, data }) => {
  if (status === 401) door(UNKNOWN);
  else if (data) take(data);
  else lost(`The server answers ${status}.`);
};

// One after the other: the next one is asked when this has been answered, or not been in time.
const poll = async () => {
  const mine = new AbortController();
  const patience = setTimeout(() => mine.abort(), PATIENCE_MS);
  const began = performance.now();
  asking = mine;
  const answer = await ask(mine.signal).catch(() => null);
  clearTimeout(patience);
  if (asking !== mine) return; // stopped meanwhile
  try {
    if (answer) hear(answer);
    else lost("The server does not answer.");
  } catch (error) {
    console.error(error);
    lost("The server answers what this page cannot show.");
  }
  if (asking === mine) timer = setTimeout(poll, Math.max(0, EVERY_MS - (performance.now() - began)));
};

const stop = () => {
  clearTimeout(timer);
  asking?.abort();
  asking = null;
};

const start = () => {
  stop();
  if (sessionStorage.getItem(KEY) !== null && !document.hidden) poll();
};

$("door").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = $("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(token)) return door(UNKNOWN); // no header can hold it
  sessionStorage.setItem(KEY, token);
  start();
});
document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
if (sessionStorage.getItem(KEY) === null) door("");
else start();
