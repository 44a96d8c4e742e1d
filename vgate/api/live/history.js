// What was seen in each second of the last minutes, by the server's clock, so that a late answer is not a dent.
const KEPT_S = 300;
// Seconds without a sample over which a line goes on: polls do not meet every second exactly.
const BRIDGED_S = 3;

class History {
  constructor(paths) {
    this.paths = paths;
    this.seconds = new Map();
    this.now = 0;
  }

  add(data) {
    if (data.t < this.now) this.seconds.clear(); // another machine's clock, or this one's started again
    this.now = data.t;
    const second = Math.floor(data.t);
    const each = data.recent.requests.last_60;
    // The last of them is still going on.
    each.slice(0, -1).forEach((count, index) => {
      const ago = each.length - 1 - index;
      if (ago <= data.recent.uptime_s) this.of(second - ago).each_second = count;
    });
    for (const path of this.paths) this.of(second)[path] = at(data, path);
    for (const old of this.seconds.keys()) if (old < second - KEPT_S) this.seconds.delete(old);
  }

  of(second) {
    if (!this.seconds.has(second)) this.seconds.set(second, {});
    return this.seconds.get(second);
  }

  // How far back a picture goes, in whole minutes: one at first, then as many as there are.
  get span() {
    const first = Math.min(...this.seconds.keys());
    return Math.min(KEPT_S, Math.max(60, Math.ceil((this.now - first) / 60) * 60));
  }

  // [[second, value], ...] for each unbroken part of a line.
  parts(path) {
    const found = [];
    let last = -Infinity;
    for (let second = Math.floor(this.now) - this.span; second <= this.now; second += 1) {
      const value = this.seconds.get(second)?.[path];
      if (value === null || value === undefined) continue;
      if (second - last > BRIDGED_S) found.push([]);
      found.at(-1).push([second, value]);
      last = second;
    }
    return found;
  }

  at(path, second) {
    for (let ago = 0; ago < BRIDGED_S; ago += 1) {
      const value = this.seconds.get(second - ago)?.[path];
      if (value !== undefined) return value;
    }
    return null;
  }
}
