// Small line charts as one SVG: a panel for each figure, upstreams across, a line for each number of tools, both axes
// in powers of ten. Colours that do on light and dark pages.
import { number } from './report.mjs';

const WIDTH = 300;
const HEIGHT = 180;
const LEFT = 46;
const TOP = 28;
const COLOURS = ['#1f77b4', '#d9730d', '#2a9d5c'];

export function plot(rows, figures) {
  const lines = [...new Set(rows.map(({ tools }) => tools))];
  const panels = figures.map(([key, title], index) => {
    const x = (index % 3) * WIDTH;
    const y = Math.floor(index / 3) * HEIGHT;
    return `<g transform="translate(${x} ${y})">${panel(rows, lines, key, title)}</g>`;
  });
  const height = Math.ceil(figures.length / 3) * HEIGHT + 24;
  const legend = lines.map(
    (tools, index) =>
      `<text x="${LEFT + index * 130}" y="${height - 8}" fill="${COLOURS[index]}">— ${tools} tools</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${3 * WIDTH} ${height}" font-family="sans-serif" font-size="11">${panels.join('')}${legend.join('')}</svg>\n`;
}

function panel(rows, lines, key, title) {
  const highest = Math.max(...rows.map((row) => row[key]));
  const lowest = Math.min(...rows.map((row) => row[key]));
  const top = Math.ceil(Math.log10(highest));
  const bottom = Math.min(Math.floor(Math.log10(lowest)), top - 1);
  const across = (upstreams) => LEFT + (Math.log10(upstreams) / Math.log10(500)) * (WIDTH - LEFT - 20);
  const up = (value) => HEIGHT - 30 - ((Math.log10(value) - bottom) / (top - bottom)) * (HEIGHT - TOP - 30);
  const parts = [`<text x="${LEFT}" y="16" fill="#888" font-weight="bold">${title}</text>`];
  for (let power = bottom; power <= top; power++) {
    const at = up(10 ** power);
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - 14}" y1="${at}" y2="${at}" stroke="#8884"/>`,
      `<text x="${LEFT - 5}" y="${at + 4}" fill="#888" text-anchor="end">${number(10 ** power)}</text>`,
    );
  }
  for (const upstreams of new Set(rows.map((row) => row.upstreams))) {
    parts.push(
      `<text x="${across(upstreams)}" y="${HEIGHT - 14}" fill="#888" text-anchor="middle">${upstreams}</text>`,
    );
  }
  lines.forEach((tools, index) => {
    const points = rows.filter((row) => row.tools === tools);
    const places = points.map((row) => `${across(row.upstreams).toFixed(1)},${up(row[key]).toFixed(1)}`);
    parts.push(`<polyline points="${places.join(' ')}" fill="none" stroke="${COLOURS[index]}" stroke-width="2"/>`);
    for (const place of places) {
      const [cx, cy] = place.split(',');
      parts.push(`<circle cx="${cx}" cy="${cy}" r="3" fill="${COLOURS[index]}"/>`);
    }
  });
  return parts.join('');
}
