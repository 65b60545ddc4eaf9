const DETECTED = new Set(['Killed', 'Timeout'])
const MISSED = new Set(['Survived', 'NoCoverage'])

/** What became of the mutants of one file, from the report of the mutation tests. */
export function resultOf(file, report, excuses) {
  const { source, mutants } = report.files[file]
  const lines = source.split('\n')
  const own = excuses.filter((excuse) => excuse.file === file)
  const survivors = mutants
    .filter(({ status }) => MISSED.has(status))
    .map((mutant) => survivorOf(mutant, lines))
    .map((survivor) => ({
      ...survivor,
      reason: own.find((one) => speaksOf(one, survivor))?.reason,
    }))
    .sort((a, b) => a.line - b.line)
  const killed = mutants.filter(({ status }) => DETECTED.has(status)).length
  return {
    file,
    mutants: killed + survivors.length,
    killed,
    survived: survivors.filter(({ covered }) => covered).length,
    uncovered: survivors.filter(({ covered }) => !covered).length,
    excused: survivors.filter(({ reason }) => reason !== undefined).length,
    ignored: mutants.filter(({ status }) => status === 'Ignored').length,
    survivors,
    idle: own.filter((excuse) => !survivors.some((survivor) => speaksOf(excuse, survivor))),
  }
}

/** Mutants that say nothing, because the tests could not be run with them. */
export function untested(file, report) {
  return report.files[file].mutants
    .filter(({ status }) => status === 'RuntimeError' || status === 'CompileError')
    .map(({ location, statusReason }) => {
      const [why] = `${statusReason}`.split('\n')
      return `${file}:${location.start.line} could not be tested: ${shortened(why)}`
    })
}

/** In per cent; a file without mutants has nothing to miss. */
function scoreOf({ killed, mutants }) {
  return mutants === 0 ? 100 : (100 * killed) / mutants
}

/** Below `least`, and not for reasons that are written down. */
export function isWeak(result, least) {
  return scoreOf({ ...result, mutants: result.mutants - result.excused }) < least
}

function survivorOf({ location, replacement, status }, lines) {
  const { start, end } = location
  const code = lines.slice(start.line - 1, end.line)
  code[code.length - 1] = code[code.length - 1].slice(0, end.column - 1)
  code[0] = code[0].slice(start.column - 1)
  return {
    line: start.line,
    within: oneLine(lines[start.line - 1]),
    original: oneLine(code.join('\n')),
    replacement: oneLine(replacement),
    covered: status !== 'NoCoverage',
  }
}

/** An excuse names the mutated code and its replacement; `within`, the line, tells equals apart. */
function speaksOf(excuse, survivor) {
  return (
    excuse.original === survivor.original &&
    excuse.replacement === survivor.replacement &&
    (excuse.within === undefined || excuse.within === survivor.within)
  )
}

function oneLine(code) {
  return code.replace(/\s+/g, ' ').trim()
}

/** A table of the results, then what survived, and why it may. */
export function printed(results) {
  const rows = results.map((result) => [
    result.file,
    ...[result.mutants, result.killed, result.survived, result.uncovered, result.excused].map(
      String,
    ),
    `${scoreOf(result).toFixed(1)} %`,
  ])
  return [...tableOf([HEADINGS, ...rows]), ...results.flatMap(detailsOf)].join('\n')
}

const HEADINGS = ['file', 'mutants', 'killed', 'survived', 'no coverage', 'excused', 'score']

function tableOf(rows) {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  '),
  )
}

function detailsOf({ file, survivors, idle }) {
  return [
    ...survivors.map(({ line, original, replacement, covered, reason }) => {
      const what = covered ? '' : ' (no test runs it)'
      const why = reason === undefined ? '' : `\n    excused: ${reason}`
      return `${file}:${line} ${shortened(original)} -> ${shortened(replacement)}${what}${why}`
    }),
    ...idle.map(({ original, replacement }) => {
      const mutant = `${shortened(original)} -> ${shortened(replacement)}`
      return `${file}: an excuse for what does not survive: ${mutant}`
    }),
  ]
}

function shortened(code) {
  return code.length > 160 ? `${code.slice(0, 157)}...` : code
}
