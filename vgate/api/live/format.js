// Numbers as words. Every function takes what the server said, null included, and gives text.
const NOTHING = "–";

const digits = (value, places) => value.toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });

// About three figures.
const figures = (value) => digits(value, value >= 100 || value === 0 ? 0 : value >= 10 ? 1 : 2);

const duration = (seconds) => {
  const parts = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const first = Math.max(0, parts.findIndex(([size]) => seconds >= size));
  let left = Math.floor(seconds);
  const told = parts.slice(seconds < 1 ? 3 : first).slice(0, 2).map(([size, unit]) => {
    const count = Math.floor(left / size);
    left -= count * size;
    return `${count} ${unit}`;
  });
  return told.filter((part, index) => !index || !part.startsWith("0 ")).join(" ");
};

const bytes = (value) => {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = Math.min(units.length - 1, value < 1 ? 0 : Math.floor(Math.log2(value) / 10));
  return `${power ? figures(value / 1024 ** power) : value} ${units[power]}`;
};

const AS = {
  text: String,
  count: (value) => digits(value, 0),
  rate: figures,
  seconds: (value) => (value < 1 ? `${figures(value * 1000)} ms` : `${figures(value)} s`),
  share: (value) => `${digits(value * 100, value > 0 && value < 0.1 ? 1 : 0)} %`,
  ready: (value) => (value ? "ready" : "not ready"),
  duration,
  bytes,
};

const said = (value, as) => (value === null || value === undefined ? NOTHING : AS[as](value));

const clock = (unix) => new Date(unix * 1000).toLocaleTimeString("en-GB");

// `recent.ttft_s.p50` of an object.
const at = (data, path) => path.split(".").reduce((inner, name) => (inner === null || inner === undefined ? null : inner[name]), data);
