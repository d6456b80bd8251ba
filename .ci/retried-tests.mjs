/** A reporter for vitest: names the tests that passed only when they were tried again, and why they failed before. */
export default class RetriedTests {
  onTestCaseResult(test) {
    const { flaky = false, retryCount = 0 } = test.diagnostic() ?? {};
    if (flaky) {
      const reasons = (test.result().errors ?? []).map(({ message }) => message.split('\n')[0]);
      console.log(`Passed after ${retryCount} more: ${test.module.moduleId}: ${test.fullName}: ${reasons.join(' | ')}`);
    }
  }
}
