/** Part of a memory budget for messages that are not complete, */
const RECEIVING_PART = 1 / 4;
/** and how many of the largest messages should fit into it, */
const RECEIVING_MESSAGES = 4;
/** which may take up to this part. */
const MAX_RECEIVING_PART = 1 / 2;
/** Part of it for what is held once it is complete. What is left is for garbage that has not been collected yet. */
const HELD_PART = 1 / 2;

export interface BudgetSplit {
  /** Bytes of messages that are not complete. */
  readonly receiving: number;
  /** Bytes that the application may hold. */
  readonly held: number;
}

/** How one memory budget is shared out. */
export function splitBudget(memoryBudget: number, maxMessageSize: number): BudgetSplit {
  const wanted = Math.max(memoryBudget * RECEIVING_PART, RECEIVING_MESSAGES * maxMessageSize);
  return {
    receiving: Math.floor(Math.min(wanted, memoryBudget * MAX_RECEIVING_PART)),
    held: Math.floor(memoryBudget * HELD_PART),
  };
}
