// The server's numbers into the page. All of them go in as text: a key's name or a request's id may be anything.
const $ = (id) => document.getElementById(id);

const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

// Cells of one row; the first is its header.
const row = (cells, className) => {
  const line = make("tr", className);
  cells.forEach((cell, index) => {
    const element = make(index ? "td" : "th");
    element.append(cell);
    if (!index) element.scope = "row";
    line.append(element);
  });
  return line;
};

const fill = (table, rows, nothing) => {
  const body = table.tBodies[0];
  if (!rows.length) rows = [row([nothing])];
  body.replaceChildren(...rows);
};

// What became of requests, in words; others than these are called as the server calls them.
const WORDS = {
  full: "found the queue full",
  deadline: "could not begin by their deadline",
  left: "left while they waited",
  requests: "over a limit of requests",
  tokens: "over a limit of tokens",
  concurrency: "over a limit at once",
  unauthenticated: "without a known key",
  pre_auth: "while too many came without one",
  store_open: "let in uncounted, as the store was down",
  store_closed: "refused, as the store was down",
  store_local: "counted in this process, as the store was down",
};

// {full: 3, left: 1} -> "3 found the queue full, 1 left while they waited"
const counted = (counts) => Object.entries(counts).map(([name, count]) => `${digits(count, 0)} ${WORDS[name] ?? name}`).join(", ");

const percentile = (data, name, percent) => {
  const length = data.recent[name];
  const value = length[`p${percent}`];
  return value === null ? `n < ${data.minimum_n[percent]}` : said(value, "seconds");
};

const showValues = (data) => {
  for (const element of document.querySelectorAll("[data-value]")) {
    const value = at(data, element.dataset.value);
    const refused = value === null && element.dataset.percent;
    put(element, refused ? `n < ${data.minimum_n[element.dataset.percent]}` : said(value, element.dataset.as));
    element.classList.toggle("refused", Boolean(refused));
  }
};

const showLengths = (data) => {
  for (const line of document.querySelectorAll("[data-length]")) {
    const name = line.dataset.length;
    const cells = [said(data.recent[name].n, "count"), ...[50, 90, 99].map((percent) => percentile(data, name, percent))];
    cells.forEach((cell, index) => {
      const element = line.cells[index + 1] ?? line.appendChild(make("td"));
      put(element, cell);
      element.classList.toggle("refused", cell.startsWith("n <"));
    });
  }
};

// [size, batches] as they are while they are few; else those above 2 up to 4 together, then up to 8, and so on.
const grouped = (sizes) => {
  if (sizes.length <= 8) return sizes.map(([size, count]) => [size >= 512 ? "512 and more" : String(size), count]);
  const groups = new Map();
  for (const [size, count] of sizes) {
    const most = 2 ** Math.ceil(Math.log2(size));
    const name = most <= 2 ? String(most) : `${most / 2 + 1} to ${most}`;
    groups.set(name, (groups.get(name) ?? 0) + count);
  }
  return [...groups];
};

const showBars = (data) => {
  const sizes = grouped(data.recent.batch_sizes);
  const most = Math.max(...sizes.map(([, count]) => count));
  const bars = sizes.map(([size, count]) => {
    const bar = make("div", "bar");
    const filled = make("i");
    filled.style.width = `${(100 * count) / most}%`;
    const track = make("span", "track");
    track.append(filled);
    bar.append(make("span", "", size), track, make("span", "", digits(count, 0)));
    return bar;
  });
  $("bars").replaceChildren(...(bars.length ? bars : [make("p", "soft", "No batch was done.")]));
};

// "15 of 60", and a bar of it; red when all of it is used.
const used = (count, limit) => {
  if (!limit) return NOTHING;
  const cell = make("span", count >= limit ? "used full" : "used", `${said(count, "count")} of ${digits(limit, 0)}`);
  const filled = make("i");
  filled.style.width = `${100 * Math.min(1, (count ?? 0) / limit)}%`;
  const track = make("span", "track");
  track.append(filled);
  cell.append(track);
  return cell;
};

const showKeys = (data) => {
  const asking = new Map(data.recent.keys.map((key) => [key.name, key]));
  const rest = Object.keys(data.limits.keys).filter((name) => !asking.has(name)).map((name) => ({ name }));
  const rows = [...asking.values(), ...rest].map((key) => {
    const limits = Object.hasOwn(data.limits.keys, key.name) ? data.limits.keys[key.name] : {};
    const counts = ["requests", "errors", "prompt_tokens", "completion_tokens"].map((name) => digits(key[name] ?? 0, 0));
    const shares = [used(limits.requests_used, limits.requests), used(limits.tokens_used, limits.tokens)];
    return row([key.name, ...counts, ...shares, said(limits.concurrency, "count")], key.requests ? "" : "dead");
  });
  fill($("keys"), rows, "No request.");
  put($("window"), data.limits.window_s === null ? "none" : `in any ${duration(data.limits.window_s)}`);
  const left = Math.max(data.limits.left_out, data.recent.keys_left_out);
  const limiter = Object.keys(data.recent.limiter).length ? `Limiter: ${counted(data.recent.limiter)}.` : "";
  put($("limiter"), `${limiter}${left ? ` ${digits(left, 0)} more keys are not shown, those with fewest requests.` : ""}`);
};

const STATES = { new: "not checked yet", ready: "ready", down: "down", leaving: "leaving", closed: "closed", open: "open", half_open: "half open" };
const BAD = ["down", "open"];

// How a worker or its breaker is, in a word; the colour says no more than that.
const inWord = (name) => make("span", BAD.includes(name) ? "bad" : name === "ready" ? "good" : "", STATES[name]);

const showWorkers = (data) => {
  $("fleet").hidden = data.workers === null;
  if (data.workers === null) return;
  const rows = data.workers.list.map((worker) => {
    const inside = worker.max_concurrency ? used(worker.in_flight, worker.max_concurrency) : digits(worker.in_flight, 0);
    const ended = ["ok", "failed", "busy", "left"].map((outcome) => digits(worker.ended[outcome], 0));
    return row([worker.name, inWord(worker.state), inWord(worker.breaker), digits(worker.opened, 0), inside, ...ended]);
  });
  fill($("workers"), rows, "None is known.");
  const { retries, left_out: left } = data.workers;
  const more = left ? ` ${digits(left, 0)} more workers are not shown: those with trouble come first.` : "";
  put($("retries"), `Retries: ${digits(retries.allowed, 0)} allowed, ${digits(retries.refused, 0)} refused by their budget. Left: the client went away, or another worker was faster.${more}`);
};

const showErrors = (data) => {
  const rows = data.recent.last_errors.map((error) =>
    row([clock(error.at), String(error.status), error.code || NOTHING, error.request_id, error.endpoint, error.key || NOTHING]),
  );
  fill($("failed"), rows, "None since the server started.");
};

const showWords = (data) => {
  const statuses = Object.entries(data.recent.requests.by_status).map(([status, count]) => `${digits(count, 0)} × ${status}`);
  const broken = data.recent.requests.broken ? [`${digits(data.recent.requests.broken, 0)} broken off`] : [];
  put($("statuses"), [...statuses, ...broken].join(", ") || "none in the last minute");
  put($("dropped"), Object.keys(data.recent.dropped).length ? `not admitted: ${counted(data.recent.dropped)}` : "nobody turned away in the last minute");
  put($("least"), `A percentile needs its number of requests: ${Object.entries(data.minimum_n).map(([p, n]) => `p${p} ${n}`).join(", ")}.`);
  const states = { ready: data.server.ready, "engine-ready": data.engine.ready, "embedding-ready": data.embedding.ready };
  for (const [id, good] of Object.entries(states)) {
    $(id).classList.toggle("good", good === true);
    $(id).classList.toggle("bad", good === false);
  }
  for (const one of document.querySelectorAll(".of-embedding")) one.hidden = data.embedding.ready === null;
  put($("ready"), data.server.stopping ? "stopping" : said(data.server.ready, "ready"));
};

const show = (data) => [showValues, showLengths, showBars, showWorkers, showKeys, showErrors, showWords].forEach((part) => part(data));
