// A plot over time. Its colours are those of the page; a line of words says what it shows to those who do not see it.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { clock } from '../format.ts';
import { t } from '../i18n/index.ts';
import { painted } from '../state/preferences.ts';

export interface Line {
  label: string;
  /** Name of a colour of the style sheet, without the dashes. */
  colour: string;
  values: readonly (number | null | undefined)[];
}

export interface PlotProps {
  title: string;
  /** Seconds since 1970. */
  times: readonly number[];
  lines: readonly Line[];
  show(value: number): string;
  /** The largest value there can be, where there is one. */
  most?: number | undefined;
  /** How far the scale goes at least, so that little noise does not look like much. */
  least?: number | undefined;
  height?: number | undefined;
}

export function Plot({ title, times, lines, show, most, least = 1, height = 150 }: PlotProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const theme = painted.value;
  const last = lines.map(({ label, values }) => {
    const value = values.findLast((one) => typeof one === 'number');
    return { label, value: typeof value === 'number' ? show(value) : '–' };
  });
  const shape = lines.map(({ label, colour }) => `${label}${colour}`).join();

  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const ink = colourOf(element, 'mute');
    const grid = colourOf(element, 'line');
    const axis = {
      stroke: ink,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const made = new uPlot(
      {
        width: Math.max(element.clientWidth, 100),
        height,
        cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false } },
        legend: { show: false },
        scales: {
          y: { range: (_, low, high) => [Math.min(0, low ?? 0), most ?? Math.max((high ?? 0) * 1.15, least)] },
        },
        axes: [
          { ...axis, size: 28, space: 70, values: (_, splits) => splits.map((at) => clock(at * 1000).slice(0, 5)) },
          { ...axis, size: 58, space: 30, values: (_, splits) => splits.map((value) => show(value)) },
        ],
        series: [
          {},
          ...lines.map(({ label, colour }) => {
            const stroke = colourOf(element, colour);
            return { label, stroke, width: 1.8, fill: faded(stroke), spanGaps: true };
          }),
        ],
      },
      dataOf(times, lines),
      element,
    );
    plot.current = made;
    const resize = new ResizeObserver(() => {
      if (element.clientWidth > 0) made.setSize({ width: element.clientWidth, height });
    });
    resize.observe(element);
    return () => {
      resize.disconnect();
      made.destroy();
    };
  }, [shape, theme, height, most]);
  useEffect(() => plot.current?.setData(dataOf(times, lines)), [times, lines]);

  return (
    <figure class="plot">
      <figcaption>
        <h3>{title}</h3>
        <ul>
          {last.map(({ label, value }, index) => (
            <li key={label}>
              <span class={`swatch ${lines[index]?.colour}`} aria-hidden="true" />
              {label} <strong>{value}</strong>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="canvas-box">
        <div ref={box} aria-hidden="true" class="canvas" />
        {times.length < 2 && <p class="canvas-empty mute">{t('plot.waiting')}</p>}
      </div>
    </figure>
  );
}

function dataOf(times: readonly number[], lines: readonly Line[]): uPlot.AlignedData {
  return [[...times], ...lines.map(({ values }) => [...values] as (number | null)[])];
}

/** A colour of the style sheet as the canvas needs it: worked out. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(--${name})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

function faded(colour: string): string {
  return colour.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.08)');
}
