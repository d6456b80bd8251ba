/** An error keeps a server from starting or from being safe; a warning is worth a thought. */
export interface Finding {
  readonly level: 'error' | 'warning';
  readonly text: string;
}
