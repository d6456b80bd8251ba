/** What a peer may act as. */
export const Role = {
  /** Sends what it has measured. */
  Device: 'device',
  /** Reads what devices have sent. */
  Analyst: 'analyst',
  /** May do everything, and alone makes the service forget. */
  Admin: 'admin',
} as const;

export const ALL_ROLES = Object.values(Role);
