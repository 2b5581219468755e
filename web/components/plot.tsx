// Plots over time, drawn by hand: the library that did it was a third of the script of the page. A line of words says
// what a plot shows to those who do not see it; under the pointer it says what was then.
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { clock } from '../format.ts';
import { t } from '../i18n/index.ts';
import { marks, nearest, timeMarks } from '../plot-scale.ts';

export interface PlotProps {
  title: string;
  label: string;
  /** Name of a colour of the style sheet, without the dashes. */
  colour: string;
  /** One for each of the times; nothing where it is not known. */
  values: readonly (number | null)[];
  show(value: number): string;
  /** The largest value there can be, where there is one. */
  most?: number | undefined;
  /** How far the scale goes at least, so that little noise does not look like much. */
  least?: number | undefined;
}

/** `times`: seconds since 1970, oldest first, the same for all plots. */
export function Plots({ times, plots }: { times: readonly number[]; plots: readonly PlotProps[] }) {
  return (
    <div class="plots">
      {plots.map((one) => (
        <div key={one.title} class="card">
          <Plot {...one} times={times} />
        </div>
      ))}
    </div>
  );
}

const HEIGHT = 150;
const LEFT = 58;
const TOP = 6;
const BOTTOM = HEIGHT - 22;

function Plot({
  title,
  label,
  colour,
  values,
  show,
  most,
  least = 1,
  times,
}: PlotProps & { times: readonly number[] }) {
  const box = useRef<HTMLDivElement>(null);
  const width = useSignal(0);
  const pointed = useSignal<number | undefined>(undefined);
  useEffect(() => {
    const element = box.current as HTMLDivElement;
    const resize = new ResizeObserver(() => {
      width.value = element.clientWidth;
    });
    resize.observe(element);
    return () => resize.disconnect();
  }, []);

  const known = values.filter((one) => one !== null);
  const top = most ?? known.reduce((high, one) => Math.max(high, one * 1.15), least);
  const right = width.value - 4;
  const [first = 0] = times;
  const last = times.at(-1) ?? 1;
  const x = (time: number): number => LEFT + ((time - first) / (last - first || 1)) * (right - LEFT);
  const y = (value: number): number => BOTTOM - (value / top) * (BOTTOM - TOP);
  const drawn = times.flatMap((time, index) => {
    const value = values[index];
    return typeof value === 'number' ? [`${x(time).toFixed(1)},${y(value).toFixed(1)}`] : [];
  });
  const points = drawn.join(' ');
  const [start = ''] = drawn;
  const at = pointed.value === undefined || times.length === 0 ? undefined : nearest(times, pointed.value);
  const then = at === undefined ? undefined : (values[at] ?? undefined);
  const shown = at === undefined ? known.at(-1) : then;
  const span = last - first;
  const point = ({ clientX }: PointerEvent): void => {
    const inside = clientX - (box.current?.getBoundingClientRect().left ?? 0) - LEFT;
    pointed.value = first + (inside / (right - LEFT)) * span;
  };
  return (
    <figure class="plot">
      <figcaption>
        <h2>{title}</h2>
        <p>
          <span class={`swatch ${colour}`} aria-hidden="true" />
          {at === undefined ? label : clock((times[at] as number) * 1000)}{' '}
          <strong>{shown === undefined ? '–' : show(shown)}</strong>
        </p>
      </figcaption>
      <div class="canvas" ref={box}>
        {width.value > 0 && (
          <svg
            aria-hidden="true"
            width={width.value}
            height={HEIGHT}
            class={colour}
            onPointerMove={point}
            onPointerLeave={() => {
              pointed.value = undefined;
            }}
          >
            {marks(0, top, 4).map((mark) => (
              <g key={mark}>
                <line x1={LEFT} x2={right} y1={y(mark)} y2={y(mark)} />
                <text class="end" x={LEFT - 6} y={y(mark) + 4}>
                  {show(mark)}
                </text>
              </g>
            ))}
            {times.length > 1 && (
              <>
                {timeMarks(first, last, (right - LEFT) / 80, new Date().getTimezoneOffset() * 60).map((mark) => (
                  <g key={mark}>
                    <line x1={x(mark)} x2={x(mark)} y1={TOP} y2={BOTTOM} />
                    <text class="middle" x={Math.min(x(mark), right - (span < 300 ? 26 : 16))} y={HEIGHT - 6}>
                      {clock(mark * 1000).slice(0, span < 300 ? 8 : 5)}
                    </text>
                  </g>
                ))}
                {drawn.length > 0 && (
                  <>
                    <polygon
                      points={`${start.split(',')[0]},${BOTTOM} ${points} ${drawn.at(-1)?.split(',')[0]},${BOTTOM}`}
                    />
                    <polyline points={points} />
                  </>
                )}
              </>
            )}
            {at !== undefined && then !== undefined && (
              <g class="pointed">
                <line x1={x(times[at] as number)} x2={x(times[at] as number)} y1={TOP} y2={BOTTOM} />
                <circle cx={x(times[at] as number)} cy={y(then)} r={3.5} />
              </g>
            )}
          </svg>
        )}
        {times.length < 2 && <p class="canvas-empty mute">{t('plot.waiting')}</p>}
      </div>
    </figure>
  );
}
