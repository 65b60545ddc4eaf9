/** Prints what the bench is doing to stderr, so that stdout has only the results. */
export function progress(text: string): void {
  process.stderr.write(`  ... ${text}\n`)
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`)
}
