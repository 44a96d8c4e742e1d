// The server's numbers into the page. All of them go in as text: a key's name or a request's id may be anything.
const $ = (id) => document.getElementById(id);

const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

// Cells of one row; the first is its header.
const row = (cells, className) => {
  const line = make("tr", className);
  cells.forEach((cell, index) => {
    const element = make(index ? "td" : "th", "", cell);
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

// {full: 3, left: 1} -> "3 full, 1 left"
const counted = (counts) => Object.entries(counts).map(([name, count]) => `${digits(count, 0)} ${name.replaceAll("_", " ")}`).join(", ");

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

// "60 requests, 50,000 tokens in 1 min, 8 at once"
const limited = ({ requests, tokens, concurrency }, window) => {
  const counts = [requests && `${digits(requests, 0)} requests`, tokens && `${digits(tokens, 0)} tokens`].filter(Boolean).join(", ");
  return [counts && `${counts} in ${duration(window)}`, concurrency && `${digits(concurrency, 0)} at once`].filter(Boolean).join(", ") || NOTHING;
};

const showKeys = (data) => {
  const used = new Map(data.recent.keys.map((key) => [key.name, key]));
  const rest = Object.keys(data.limits.keys).filter((name) => !used.has(name)).map((name) => ({ name }));
  const rows = [...used.values(), ...rest].slice(0, 100).map((key) => {
    const told = limited(Object.hasOwn(data.limits.keys, key.name) ? data.limits.keys[key.name] : {}, data.limits.window_s);
    const counts = ["requests", "errors", "prompt_tokens", "completion_tokens"].map((name) => digits(key[name] ?? 0, 0));
    return row([key.name, counts[0], told, ...counts.slice(1)], key.requests ? "" : "dead");
  });
  fill($("keys"), rows, "No request.");
  const left = data.recent.keys_left_out;
  const limiter = Object.keys(data.recent.limiter).length ? `Limiter: ${counted(data.recent.limiter)}.` : "";
  put($("limiter"), `${limiter}${left ? ` ${digits(left, 0)} keys with fewer requests are not shown.` : ""}`);
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
  put($("dropped"), Object.keys(data.recent.dropped).length ? `turned away or given up: ${counted(data.recent.dropped)}` : "nobody turned away in the last minute");
  put($("least"), `A percentile needs its number of requests: ${Object.entries(data.minimum_n).map(([p, n]) => `p${p} ${n}`).join(", ")}.`);
  const states = { ready: data.server.ready, "engine-ready": data.engine.ready, "embedding-ready": data.embedding.ready };
  for (const [id, good] of Object.entries(states)) {
    $(id).classList.toggle("good", good);
    $(id).classList.toggle("bad", !good);
  }
  put($("ready"), data.server.stopping ? "stopping" : said(data.server.ready, "ready"));
};

const show = (data) => [showValues, showLengths, showBars, showKeys, showErrors, showWords].forEach((part) => part(data));
