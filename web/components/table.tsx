// A table of any length: one page of rows at a time, and cards instead of rows where there is no room for columns.
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { number } from '../format.ts';
import { t } from '../i18n/index.ts';
import { Button } from './button.tsx';
import { Empty } from './page.tsx';

export interface Column<Row> {
  id: string;
  title: string;
  cell(row: Row): ComponentChildren;
  /** What it is ordered by, where the reader may choose that. */
  by?: ((row: Row) => string | number) | undefined;
  /** Numbers stand on the right. */
  numeric?: boolean | undefined;
  /** The column that takes the room that is left. */
  wide?: boolean | undefined;
  /** Whether there is nothing to say about this row: a card leaves it out, and a table where it holds for all rows. */
  none?: ((row: Row) => boolean) | undefined;
}

export interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  id(row: Row): string;
  empty: ComponentChildren;
  perPage?: number;
}

export function Table<Row>({ label, columns: all, rows, id, empty, perPage = 50 }: TableProps<Row>) {
  const order = useSignal<{ id: string; down: boolean } | undefined>(undefined);
  const page = useSignal(0);
  if (rows.length === 0) return <Empty>{empty}</Empty>;
  const columns = all.filter(({ none }) => none === undefined || !rows.every(none));
  const by = columns.find((column) => column.id === order.value?.id)?.by;
  const sign = order.value?.down === true ? -1 : 1;
  const sorted = by === undefined ? rows : [...rows].sort((a, b) => sign * compare(by(a), by(b)));
  const pages = Math.ceil(sorted.length / perPage);
  const at = Math.min(page.value, pages - 1);
  const shown = sorted.slice(at * perPage, (at + 1) * perPage);

  const choose = (column: string): void => {
    const now = order.value;
    order.value = now?.id !== column ? { id: column, down: false } : now.down ? undefined : { id: column, down: true };
    page.value = 0;
  };
  return (
    <div class="table-box">
      <table aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => {
              const mine = order.value?.id === column.id ? order.value : undefined;
              const sort = mine === undefined ? 'none' : mine.down ? 'descending' : 'ascending';
              const classes = classesOf(column);
              if (column.by === undefined)
                return (
                  <th scope="col" key={column.id} class={classes}>
                    {column.title}
                  </th>
                );
              return (
                <th scope="col" key={column.id} class={classes} aria-sort={sort}>
                  <button type="button" class="sort" onClick={() => choose(column.id)}>
                    {column.title}
                    <span aria-hidden="true">{mine === undefined ? '' : mine.down ? ' ↓' : ' ↑'}</span>
                  </button>
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={id(row)} data-row={id(row)}>
              {columns.map((column) => (
                <td
                  key={column.id}
                  data-label={column.title}
                  class={`${classesOf(column)}${column.none?.(row) === true ? ' none' : ''}`}
                >
                  <div>{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {pages > 1 && (
        <nav class="pager" aria-label={t('table.pages', { label })}>
          <span class="mute">
            {t('table.range', {
              from: number(at * perPage + 1),
              to: number(at * perPage + shown.length),
              of: number(sorted.length),
            })}
          </span>
          <Button small disabled={at === 0} onClick={() => turn(page, at - 1)}>
            {t('table.previous')}
          </Button>
          <Button small disabled={at >= pages - 1} onClick={() => turn(page, at + 1)}>
            {t('table.next')}
          </Button>
        </nav>
      )}
    </div>
  );
}

function classesOf<Row>({ numeric, wide }: Column<Row>): string {
  return numeric === true ? 'numeric' : wide === true ? 'wide' : '';
}

function turn(page: { value: number }, to: number): void {
  page.value = to;
}

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
}
