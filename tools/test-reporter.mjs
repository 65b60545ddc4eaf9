import { writeFileSync } from 'node:fs'

/** Writes what vitest found as JSON: counts, and every skipped test with its reason. */
export default class ResultReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const state = (wanted) => tests.filter((test) => test.result().state === wanted)
    // A group or a file can fail outside of its tests: in a hook, or while it is loaded.
    const broken = modules.flatMap((module) => [
      ...module.errors(),
      ...[...module.children.allSuites()].flatMap((suite) => suite.errors()),
    ])
    const result = {
      passed: state('passed').length,
      failed: state('failed').length + broken.length + unhandledErrors.length,
      skipped: state('skipped').map((test) => ({
        name: `${test.module.relativeModuleId} > ${test.fullName}`,
        reason: test.result().note ?? null,
      })),
    }
    writeFileSync(process.env.TEST_RESULT_FILE, JSON.stringify(result))
  }
}
