/** One thing that was looked at. */
export interface Finding {
  /** What kind of check: `config`, `command`, `dns` … */
  check: string;
  /** The upstream it is about; absent for the gateway and the machine. */
  upstream?: string | undefined;
  level: 'ok' | 'note' | 'warning' | 'error';
  message: string;
  /** What to do about it. */
  fix?: string | undefined;
}
