// A time: how long ago, with the exact one when it is pointed at.
import { moment, relative } from '../format.ts';

export function Time({ at }: { at: string | number | undefined }) {
  if (at === undefined) return <span>–</span>;
  return (
    <time dateTime={new Date(at).toISOString()} title={moment(at)}>
      {relative(at)}
    </time>
  );
}
