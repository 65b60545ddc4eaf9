/** Says on stderr what the bench is at, so that stdout has the results alone. */
export function progress(text: string): void {
  process.stderr.write(`  ... ${text}\n`)
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`)
}
