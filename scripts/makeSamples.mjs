// Makes the synthetic sample tables: the same bytes every time. `--check` compares with what lies in assets/samples and writes nothing.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** mulberry32: uniform numbers in [0, 1) from a 32-bit seed. */
function uniform(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The sum of twelve uniform numbers, minus six: nearly normal, and the same on every machine (no transcendental function). */
const normal = (random) => Array.from({ length: 12 }, random).reduce((sum, u) => sum + u, -6);
const pick = (random, list) => list[Math.floor(random() * list.length)];
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

/** What a house costs: area × price per m² of its district, less with age, more with a garden in the suburbs and a view from above. */
function houses() {
  const random = uniform(20);
  const districts = { "Old Town": 5200, Harbour: 4600, Hillside: 3900, Riverside: 3400, Northgate: 2700, "Green Meadows": 2300 };
  const lines = ["area_m2,rooms,built,floor,district,garden,heating,distance_km,price"];
  for (let i = 0; i < 1200; i++) {
    const district = pick(random, Object.keys(districts));
    const area = Math.round(clamp(95 + 38 * normal(random), 24, 260));
    const rooms = Math.round(clamp(area / 27 + 0.7 * normal(random), 1, 9));
    const built = Math.round(1900 + 123 * (1 - random() * random()));
    const floor = Math.floor(random() * random() * 12);
    const garden = random() < (floor === 0 ? 0.6 : 0.05) ? "yes" : "no";
    const heating = pick(random, built > 1995 ? ["heat pump", "district heating", "gas"] : ["gas", "oil", "district heating"]);
    const distance = Math.round(10 * clamp(6 + 3.5 * normal(random), 0.3, 18)) / 10;
    const age = 2023 - built;
    const worn = age > 90 ? 0.86 + (age - 90) * 0.004 : 1 - age * 0.0021;
    const warm = { "heat pump": 1.05, "district heating": 1.01, gas: 1, oil: 0.95 }[heating];
    const view = ["Harbour", "Hillside"].includes(district) ? 1 + 0.018 * floor : 1;
    const green = garden === "yes" ? (distance > 5 ? 42000 : 21000) : 0;
    const price = (area * districts[district] * worn * warm * view * (1.18 - 0.03 * distance) + green) * (1 + 0.05 * normal(random));
    const cell = (value) => (random() < 0.012 ? "" : value);
    lines.push([area, cell(rooms), cell(built), floor, district, garden, cell(heating), distance, Math.round(price / 500) * 500].join(","));
  }
  return `${lines.join("\n")}\n`;
}

/** 共享单车: how many bicycles were rented in an hour, by season, hour, day and weather. */
function bikes() {
  const random = uniform(7);
  const lines = ["日期,小时,星期,节假日,天气,气温,湿度,风速,租车数"];
  const weekdays = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];
  const holidays = new Set(["01-01", "05-01", "10-01", "10-02", "10-03"]);
  const monthly = [-3, 0, 7, 15, 21, 25, 27, 26, 21, 14, 5, -1];
  for (let i = 0; i < 1500; i++) {
    const date = new Date(Date.UTC(2023, 0, 1 + Math.floor(random() * 365)));
    const hour = 6 + Math.floor(random() * 17);
    const day = date.toISOString().slice(0, 10);
    const weekday = date.getUTCDay();
    const free = weekday === 0 || weekday === 6 || holidays.has(day.slice(5));
    const sky = random();
    const weather = sky < 0.5 ? "晴" : sky < 0.78 ? "多云" : sky < 0.93 ? "小雨" : "大雨";
    const near = (peak, width) => Math.max(0, 1 - Math.abs(hour - peak) / width);
    const temperature = Math.round((monthly[date.getUTCMonth()] + 6 * near(14, 9) - 3 + 2.5 * normal(random)) * 10) / 10;
    const humidity = Math.round(clamp({ 晴: 45, 多云: 58, 小雨: 80, 大雨: 90 }[weather] + 8 * normal(random), 15, 100));
    const wind = Math.round(clamp(2.6 + 1.3 * normal(random), 0, 12) * 10) / 10;
    const rhythm = free ? 0.25 + 0.75 * near(15, 8) : 0.15 + near(8, 2.5) + 1.1 * near(18, 3.2);
    const comfort = clamp(1 - Math.abs(temperature - 22) / 30, 0.1, 1);
    const dry = { 晴: 1, 多云: 0.92, 小雨: 0.45, 大雨: 0.15 }[weather];
    const count = 620 * rhythm * comfort * dry * (1 - 0.025 * wind) * (1 + 0.07 * normal(random));
    lines.push(
      [
        day,
        hour,
        weekdays[weekday],
        holidays.has(day.slice(5)) ? "是" : "否",
        weather,
        temperature,
        humidity,
        wind,
        Math.max(0, Math.round(count)),
      ].join(","),
    );
  }
  return `${lines.join("\n")}\n`;
}

const tables = { "houses.csv": houses(), "共享单车.csv": bikes() };
for (const [name, text] of Object.entries(tables)) {
  const path = fileURLToPath(new URL(`../assets/samples/${encodeURIComponent(name)}`, import.meta.url));
  if (!process.argv.includes("--check")) writeFileSync(path, text);
  else if (readFileSync(path, "utf8") !== text) throw new Error(`${name} is not what this script makes`);
}
